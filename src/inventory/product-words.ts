/**
 * The words by which products are found, from names and from what is searched for. Case, accents and punctuation make
 * no difference: "Café-Crème" has the words "cafe" and "creme".
 *
 * Stored words have this form. Where it changes, a migration has to write them anew.
 */

/** A longer word is found by its beginning. */
export const WORD_CHARS_MAX = 64;

/** In the order of the text, each word once. */
export function wordsOf(text: string): readonly string[] {
  const folded = text
    .normalize('NFKD')
    .replaceAll(/\p{M}+/gu, '')
    // Letters that differ only in lower case, as ß and ss, have one upper case.
    .toUpperCase()
    .toLowerCase();
  const words = folded.match(/[\p{L}\p{N}]+/gu) ?? [];
  return [...new Set(words.map((word) => Array.from(word).slice(0, WORD_CHARS_MAX).join('')))];
}
