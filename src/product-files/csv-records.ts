/** Reads the records of a CSV file from its bytes. */
import { CsvFileError } from './csv-file-error.js';
import { CsvReader, type CsvRecord, type MalformedRecord } from './csv-reader.js';
import { decoded, EncodingError, type TextEncoding } from './text-encoding.js';

/**
 * Records without values are skipped. The source is read no faster than the records are taken, and closed at the end.
 *
 * @throws CsvFileError where the file is not in the encoding, and what reading it throws.
 */
export async function* csvRecords(
  chunks: AsyncIterable<Buffer>,
  encoding: TextEncoding,
): AsyncGenerator<CsvRecord | MalformedRecord> {
  const reader = new CsvReader();
  try {
    for await (const text of decoded(chunks, encoding)) {
      reader.push(text);
      yield* reader.takeRecords();
      if (reader.ended) return;
    }
  } catch (error) {
    if (!(error instanceof EncodingError)) throw error;
    reader.readHead();
    throw new CsvFileError(error.message, reader.line, { cause: error });
  }
  reader.finish();
  yield* reader.takeRecords();
}
