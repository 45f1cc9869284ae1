/** The file cannot be read from the named line on. */
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
