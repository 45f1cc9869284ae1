/** Ids of products in a test file: no two are the same, and each is later in byte order than those before it. */
import { randomBytes } from 'node:crypto';

/** Test files that run at the same time share a Redis, and so the locks of equal ids. */
const FILE = randomBytes(3).toString('hex');

let products = 0;

export function newProductId(): string {
  products += 1;
  return `p${FILE}-${String(products).padStart(4, '0')}`;
}
