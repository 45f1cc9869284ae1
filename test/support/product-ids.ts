/** Ids of products in a test file: no two are the same, and each is later in byte order than those before it. */

let products = 0;

export function newProductId(): string {
  products += 1;
  return `p${String(products).padStart(4, '0')}`;
}
