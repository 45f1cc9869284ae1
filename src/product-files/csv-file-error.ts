/** The file as a whole is not one that can be read; what stands in front of the named line was. */
export class CsvFileError extends Error {
  readonly code = 'CSV_FILE' as const;
  constructor(
    message: string,
    readonly line: number,
    options?: ErrorOptions,
  ) {
    super(message, options);
    this.name = 'CsvFileError';
  }
}
