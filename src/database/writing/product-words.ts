/** The statements that keep the words of products' names, in the transaction that sets the name. */
import { wordsOf } from '../../inventory/product-words.js';
import { Statements } from './transactions.js';

export interface NamedProduct {
  readonly id: string;
  readonly name: string;
  readonly archived: boolean;
}

export class WordStatements extends Statements {
  /** For products without words. */
  async add(products: readonly NamedProduct[]): Promise<void> {
    const rows = products.flatMap(({ id, name, archived }) =>
      wordsOf(name).map((word) => [Buffer.from(word), archived, id]),
    );
    if (rows.length === 0) return;
    await this.write('INSERT INTO product_words (word, archived, product_id) VALUES ?', [rows]);
  }

  async replace(products: readonly NamedProduct[]): Promise<void> {
    if (products.length === 0) return;
    await this.write('DELETE FROM product_words WHERE product_id IN (?)', [
      products.map(({ id }) => id),
    ]);
    await this.add(products);
  }

  async setArchived(productId: string, archived: boolean): Promise<void> {
    await this.write('UPDATE product_words SET archived = ? WHERE product_id = ?', [
      archived,
      productId,
    ]);
  }
}
