/** A product as the transaction has it that has written it: what is answered once that is committed. */
import type { Product } from '../../inventory/products.js';
import { SELECT_PRODUCTS, toProducts, type ProductRecord } from '../reading/product-rows.js';
import type { Statements } from './transactions.js';

/** @param id of a product that the transaction has locked or inserted. */
export async function readProduct(statements: Statements, id: string): Promise<Product> {
  const rows = await statements.read<ProductRecord>(`${SELECT_PRODUCTS} WHERE p.id = ?`, [id]);
  const [product] = toProducts(rows);
  if (!product) throw new Error(`The product ${id} is not in the transaction that has written it.`);
  return product;
}
