/** Products and their levels: the types, `product`, `products` and `createProduct`. */
import {
  Arg,
  Args,
  Ctx,
  Field,
  FieldResolver,
  InputType,
  Int,
  Mutation,
  ObjectType,
  Query,
  Resolver,
  Root,
  createUnionType,
} from 'type-graphql';
import { levelKey } from '../../inventory/stock.js';
import type { RequestContext } from '../context.js';
import { CountsNodes, nodesOfEntries, nodesOfLocations, nodesOfPage } from '../node-cost.js';
import { RequiresScope } from '../permissions.js';
import { DateTime } from './date-time.js';
import { ID } from './id.js';
import { Location } from './location.js';
import { MovementFilter, StockMovementConnection, toMovementFilter } from './movement.js';
import { CURSOR_RULE, NODES_RULE, PageArgs, PageInfo, toConnection } from './page.js';
import {
  AnyError,
  InvalidInputError,
  QUANTITY_MAX_TEXT,
  toInvalidInputError,
} from './stock-error.js';
import { DEFAULT_LOCATION_RULE } from './stock-lines.js';

const ID_RULE = '1 to 64 characters of A-Z a-z 0-9 . _ : - ; case-sensitive.';
const RESERVED_RULE = 'Held by reservations that have not expired.';
const AVAILABLE_RULE = 'onHand - reserved; never negative.';
const ORDER_RULE = 'by id, or by name where they are filtered by name.';

@ObjectType('StockLevel', {
  simpleResolvers: true,
  description: 'The stock of one product at one location.',
})
export class StockLevel {
  @Field(() => ID)
  readonly productId!: string;

  @Field(() => ID)
  readonly locationId!: string;

  @Field(() => Int)
  readonly onHand!: number;

  @Field(() => Int, { description: RESERVED_RULE })
  readonly reserved!: number;

  @Field(() => Int, { description: AVAILABLE_RULE })
  readonly available!: number;
}

@ObjectType('Product', {
  simpleResolvers: true,
  description:
    'Something that is sold. Its quantities are sums over all locations, at most 2,147,483,647.',
})
export class Product {
  @Field(() => ID, { description: ID_RULE })
  readonly id!: string;

  @Field(() => String)
  readonly name!: string;

  @Field(() => Int, { description: 'Over all locations.' })
  readonly onHand!: number;

  @Field(() => Int, { description: RESERVED_RULE })
  readonly reserved!: number;

  @Field(() => Int, { description: AVAILABLE_RULE })
  readonly available!: number;

  @Field(() => Int, {
    nullable: true,
    description: 'Stock is low while available is at or below this. Null: never.',
  })
  readonly lowStockThreshold!: number | null;

  @Field(() => DateTime, {
    nullable: true,
    description: 'Since when it is out of sale. Null: it is on sale.',
  })
  readonly archivedAt!: Date | null;

  @Field(() => DateTime)
  readonly createdAt!: Date;

  @Field(() => DateTime, { description: 'The last change of the product or of one of its levels.' })
  readonly updatedAt!: Date;
}

@ObjectType('ProductEdge', { simpleResolvers: true })
export class ProductEdge {
  @Field(() => String, { description: CURSOR_RULE })
  readonly cursor!: string;

  @Field(() => Product)
  readonly node!: Product;
}

@ObjectType('ProductConnection', {
  simpleResolvers: true,
  description: `A page of products, ${ORDER_RULE}`,
})
export class ProductConnection {
  @CountsNodes(nodesOfEntries)
  @Field(() => [ProductEdge])
  readonly edges!: readonly ProductEdge[];

  @CountsNodes(nodesOfEntries)
  @Field(() => [Product], { description: NODES_RULE })
  readonly nodes!: readonly Product[];

  @Field(() => PageInfo)
  readonly pageInfo!: PageInfo;
}

@InputType('ProductFilter', { description: 'A product must match every given field.' })
export class ProductFilter {
  @Field(() => [ID], { nullable: true, description: 'At most 100.' })
  readonly ids?: readonly string[] | null;

  @Field(() => String, { nullable: true })
  readonly nameStartsWith?: string | null;

  @Field(() => String, {
    nullable: true,
    description:
      'Words of the name, in any order and place; whole words, without regard to case, accents and punctuation. ' +
      'At most 10 words. With several of them a page looks at a bounded number of products, as with lowStock.',
  })
  readonly search?: string | null;

  @Field(() => Boolean, {
    nullable: true,
    description: 'True: only products that are out of sale. Otherwise only products on sale.',
  })
  readonly archived?: boolean | null;

  @Field(() => Boolean, {
    nullable: true,
    description:
      "Whether available is at or below the product's lowStockThreshold. A page then looks at a bounded number of " +
      'products: it may be short, and even empty, while hasNextPage is true. Go on from its endCursor.',
  })
  readonly lowStock?: boolean | null;
}

@InputType('CreateProductInput', {
  description: 'An initial quantity of 0 writes no entry to the ledger.',
})
export class CreateProductInput {
  @Field(() => ID, { description: ID_RULE })
  readonly id!: string;

  @Field(() => String, { description: '1 to 255 characters, not only spaces.' })
  readonly name!: string;

  @Field(() => Int, { defaultValue: 0, description: `0 to ${QUANTITY_MAX_TEXT}.` })
  readonly quantity!: number;

  @Field(() => ID, {
    nullable: true,
    description: `The location of the initial quantity. ${DEFAULT_LOCATION_RULE}`,
  })
  readonly locationId?: string | null;

  @Field(() => Int, { nullable: true, description: '0 or more.' })
  readonly lowStockThreshold?: number | null;
}

@ObjectType('ProductAlreadyExistsError', {
  implements: AnyError,
  description: 'A product with this id exists. It was not changed.',
})
export class ProductAlreadyExistsError extends AnyError {
  readonly productId!: string;
}

export const CreateProductResult = createUnionType({
  name: 'CreateProductResult',
  description: 'The new product, or the error.',
  types: () => [Product, ProductAlreadyExistsError, InvalidInputError] as const,
});

@Resolver(() => Product)
export class ProductResolver {
  @Query(() => Product, {
    nullable: true,
    description: 'One product. Null: no product has this id.',
  })
  @RequiresScope('read')
  product(
    @Arg('id', () => ID) id: string,
    @Ctx() context: RequestContext,
  ): Promise<Product | null> {
    return context.loaders.productById.load(id);
  }

  @CountsNodes(nodesOfPage)
  @Query(() => ProductConnection, {
    description: `Products, ${ORDER_RULE}`,
  })
  @RequiresScope('read')
  async products(
    @Args(() => PageArgs) page: PageArgs,
    @Arg('filter', () => ProductFilter, { nullable: true }) filter: ProductFilter | null,
    @Ctx() context: RequestContext,
  ): Promise<ProductConnection> {
    const { services, caller } = context;
    const wanted = {
      ids: filter?.ids ?? undefined,
      nameStartsWith: filter?.nameStartsWith ?? undefined,
      search: filter?.search ?? undefined,
      lowStock: filter?.lowStock ?? undefined,
      archived: filter?.archived ?? undefined,
    };
    return toConnection(await services.products.products(page, wanted, caller.deadline));
  }

  @Mutation(() => CreateProductResult, {
    description:
      'Creates a product. Safe to repeat: a second call with the same id changes nothing.',
  })
  @RequiresScope('manage')
  async createProduct(
    @Arg('input', () => CreateProductInput) input: CreateProductInput,
    @Ctx() { services, caller }: RequestContext,
  ): Promise<Product | ProductAlreadyExistsError | InvalidInputError> {
    const result = await services.products.createProduct(input, caller.deadline);
    switch (result.outcome) {
      case 'CREATED':
        return Object.assign(new Product(), result.product);
      case 'ALREADY_EXISTS':
        return Object.assign(new ProductAlreadyExistsError(), {
          message: `A product with the id ${result.productId} exists. Choose another id.`,
          productId: result.productId,
        });
      case 'INVALID':
        return toInvalidInputError(result);
    }
  }

  @CountsNodes(nodesOfLocations)
  @FieldResolver(() => [StockLevel], {
    description: 'By location. Empty: the product never had stock.',
  })
  levels(@Root() product: Product, @Ctx() context: RequestContext): Promise<readonly StockLevel[]> {
    return context.loaders.levelsByProductId.load(product.id);
  }

  @CountsNodes(nodesOfPage)
  @FieldResolver(() => StockMovementConnection, {
    description: "The product's ledger over all locations, newest entry first.",
  })
  @RequiresScope('read')
  async movements(
    @Root() product: Product,
    @Args(() => PageArgs) page: PageArgs,
    @Arg('filter', () => MovementFilter, { nullable: true }) filter: MovementFilter | null,
    @Ctx() context: RequestContext,
  ): Promise<StockMovementConnection> {
    const loader = context.loaders.movementsByProductId(page, toMovementFilter(filter));
    return toConnection(await loader.load(product.id));
  }
}

@Resolver(() => StockLevel)
export class StockLevelResolver {
  @FieldResolver(() => ID, {
    description: '`productId/locationId`, so that clients can normalise it.',
  })
  id(@Root() level: StockLevel): string {
    return levelKey(level);
  }

  @FieldResolver(() => Location)
  async location(@Root() level: StockLevel, @Ctx() context: RequestContext): Promise<Location> {
    const location = await context.loaders.locationById.load(level.locationId);
    if (!location) throw new Error(`The location ${level.locationId} of a level was not found.`);
    return location;
  }
}

@Resolver(() => ProductAlreadyExistsError)
export class ProductAlreadyExistsErrorResolver {
  @FieldResolver(() => Product, {
    nullable: true,
    description: 'The existing product. Null: it could not be read.',
  })
  product(
    @Root() error: ProductAlreadyExistsError,
    @Ctx() context: RequestContext,
  ): Promise<Product | null> {
    return context.orNull(context.loaders.productById.load(error.productId));
  }
}
