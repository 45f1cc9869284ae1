/** Lets bytes pass that are UTF-8, and stops at the first that are not: text that was guessed at would be wrong. */
import { CsvFileError } from './csv-file-error.js';

/** @throws CsvFileError */
export async function* requireUtf8(chunks: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  const strict = new TextDecoder('utf-8', { fatal: true });
  const lenient = new TextDecoder('utf-8');
  let line = 1;
  let text = '';
  const check = (decode: () => string, what: () => string): void => {
    try {
      line += lineFeeds(text);
      text = decode();
    } catch (cause) {
      const [sound = ''] = what().split('�');
      throw new CsvFileError('The file is not UTF-8.', line + lineFeeds(sound), { cause });
    }
  };
  for await (const chunk of chunks) {
    check(
      () => strict.decode(chunk, { stream: true }),
      () => lenient.decode(chunk),
    );
    yield chunk;
  }
  check(
    () => strict.decode(),
    () => '',
  );
}

export function lineFeeds(text: string): number {
  let count = 0;
  for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) count += 1;
  return count;
}
