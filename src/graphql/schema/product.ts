/** Products, their levels, and the creation of products. */
import { Field, ID, InputType, Int, ObjectType, createUnionType } from 'type-graphql';
import { DEFAULT_LOCATION_ID, QUANTITY_MAX } from '../../inventory/stock.js';
import { DateTime } from './date-time.js';
import { AnyError, InvalidInputError } from './stock-error.js';
import { PageInfo } from './page.js';

@ObjectType('StockLevel', {
  simpleResolvers: true,
  description: 'The stock of one product at one location.',
})
export class StockLevel {
  @Field(() => ID)
  readonly locationId!: string;

  @Field(() => Int)
  readonly onHand!: number;

  @Field(() => Int, { description: 'Held by reservations that have not expired.' })
  readonly reserved!: number;

  @Field(() => Int, { description: 'onHand - reserved; never negative.' })
  readonly available!: number;
}

@ObjectType('Product', {
  simpleResolvers: true,
  description: 'What can be sold. Its quantities are sums over all locations, at most 2147483647.',
})
export class Product {
  @Field(() => ID, { description: '1 to 64 characters of A-Z a-z 0-9 . _ : - ; case matters.' })
  readonly id!: string;

  @Field(() => String)
  readonly name!: string;

  @Field(() => Int, { description: 'Over all locations.' })
  readonly onHand!: number;

  @Field(() => Int, { description: 'Held by reservations that have not expired.' })
  readonly reserved!: number;

  @Field(() => Int, { description: 'onHand - reserved; never negative.' })
  readonly available!: number;

  @Field(() => Int, {
    nullable: true,
    description: 'The product counts as low where available is at or below this; null: never.',
  })
  readonly lowStockThreshold!: number | null;

  @Field(() => DateTime)
  readonly createdAt!: Date;

  @Field(() => DateTime, { description: 'When the product or one of its levels last changed.' })
  readonly updatedAt!: Date;
}

@ObjectType('ProductEdge', { simpleResolvers: true })
export class ProductEdge {
  @Field(() => String, { description: 'For `after` or `before`; opaque.' })
  readonly cursor!: string;

  @Field(() => Product)
  readonly node!: Product;
}

@ObjectType('ProductConnection', {
  simpleResolvers: true,
  description: 'A page of products, by id, or by name where they are filtered by name.',
})
export class ProductConnection {
  @Field(() => [ProductEdge])
  readonly edges!: readonly ProductEdge[];

  @Field(() => [Product], { description: 'The nodes of the edges, for who needs no cursors.' })
  readonly nodes!: readonly Product[];

  @Field(() => PageInfo)
  readonly pageInfo!: PageInfo;
}

@InputType('ProductFilter', { description: 'A product must meet all that is given.' })
export class ProductFilter {
  @Field(() => [ID], { nullable: true, description: 'At most 100.' })
  readonly ids?: readonly string[] | null;

  @Field(() => String, { nullable: true })
  readonly nameStartsWith?: string | null;

  @Field(() => Boolean, {
    nullable: true,
    description: "available is at or below the product's lowStockThreshold.",
  })
  readonly lowStock?: boolean | null;
}

@InputType('CreateProductInput', { description: 'An initial quantity of 0 writes no ledger line.' })
export class CreateProductInput {
  @Field(() => ID, { description: '1 to 64 characters of A-Z a-z 0-9 . _ : - ; case matters.' })
  readonly id!: string;

  @Field(() => String, { description: '1 to 255 characters, not all of them spaces.' })
  readonly name!: string;

  @Field(() => Int, { defaultValue: 0, description: `0 to ${QUANTITY_MAX}.` })
  readonly quantity!: number;

  @Field(() => ID, {
    nullable: true,
    description: `Where the initial quantity is; the location \`${DEFAULT_LOCATION_ID}\` where left out.`,
  })
  readonly locationId?: string | null;

  @Field(() => Int, { nullable: true, description: '0 or more.' })
  readonly lowStockThreshold?: number | null;
}

@ObjectType('ProductAlreadyExistsError', {
  implements: AnyError,
  description: 'There is a product with this id, and it stays as it is.',
})
export class ProductAlreadyExistsError extends AnyError {
  readonly productId!: string;
}

export const CreateProductResult = createUnionType({
  name: 'CreateProductResult',
  description: 'The new product, or why there is none.',
  types: () => [Product, ProductAlreadyExistsError, InvalidInputError] as const,
});
