/**
 * The words of products' names, of products on sale and of archived ones apart. Products of one word are in the order
 * of ids, so a page of them is read by the primary key.
 *
 * Every step can be repeated after a crash. A server of the version before writes no words: what it creates or renames
 * while this one starts is not found by its words until it is renamed again.
 */
import { QueryTypes, type Sequelize } from 'sequelize';
import type { MigrationFn } from 'umzug';
import { wordsOf } from '../../inventory/product-words.js';

const ID = 'VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin';
const BATCH_MAX = 1_000;

interface Product {
  readonly id: string;
  readonly name: string;
  readonly archived: number;
}

export const up: MigrationFn<Sequelize> = async ({ context: sequelize }) => {
  await sequelize.query(`
    CREATE TABLE IF NOT EXISTS product_words (
      word VARBINARY(256) NOT NULL,
      archived BOOLEAN NOT NULL,
      product_id ${ID} NOT NULL,
      PRIMARY KEY (word, archived, product_id),
      KEY product_words_of_product (product_id)
    ) ENGINE=InnoDB`);
  for (let after = ''; ;) {
    const products = await sequelize.query<Product>(
      `SELECT id, name, is_archived AS archived FROM products WHERE id > ? ORDER BY id LIMIT ${BATCH_MAX}`,
      { replacements: [after], type: QueryTypes.SELECT },
    );
    const last = products.at(-1)?.id;
    if (last === undefined) return;
    const rows = products.flatMap(({ id, name, archived }) =>
      wordsOf(name).map((word) => [Buffer.from(word), archived !== 0, id]),
    );
    if (rows.length > 0) {
      await sequelize.query(
        `INSERT INTO product_words (word, archived, product_id) VALUES ?
         ON DUPLICATE KEY UPDATE product_id = product_words.product_id`,
        { replacements: [rows] },
      );
    }
    after = last;
  }
};
