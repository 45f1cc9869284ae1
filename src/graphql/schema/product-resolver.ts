/** Products and their relations: argument → domain → type, nothing else. */
import { Arg, Args, Ctx, FieldResolver, ID, Mutation, Query, Resolver, Root } from 'type-graphql';
import type { RequestContext } from '../context.js';
import { toInvalidInputError, type InvalidInputError } from './stock-error.js';
import { StockMovementConnection } from './movement.js';
import { nodesOfPage } from '../node-cost.js';
import { PageArgs, toConnection } from './page.js';
import { RequiresScope } from '../permissions.js';
import {
  CreateProductInput,
  CreateProductResult,
  Product,
  ProductAlreadyExistsError,
  ProductConnection,
  ProductFilter,
  StockLevel,
} from './product.js';

@Resolver(() => Product)
export class ProductResolver {
  @Query(() => Product, {
    nullable: true,
    description: 'One product; null where there is none with this id.',
  })
  @RequiresScope('read')
  product(
    @Arg('id', () => ID) id: string,
    @Ctx() context: RequestContext,
  ): Promise<Product | null> {
    return context.inTime(context.loaders.productById.load(id));
  }

  @Query(() => ProductConnection, {
    complexity: nodesOfPage,
    description: 'Products by id, or by name where they are filtered by name.',
  })
  @RequiresScope('read')
  async products(
    @Args(() => PageArgs) page: PageArgs,
    @Arg('filter', () => ProductFilter, { nullable: true }) filter: ProductFilter | null,
    @Ctx() context: RequestContext,
  ): Promise<ProductConnection> {
    const found = context.services.products.products(page, {
      ids: filter?.ids ?? undefined,
      nameStartsWith: filter?.nameStartsWith ?? undefined,
      lowStock: filter?.lowStock ?? undefined,
    });
    return toConnection(await context.inTime(found));
  }

  @Mutation(() => CreateProductResult, {
    description:
      'Adds a product. Safe to repeat: the id is unique, and a second call changes nothing.',
  })
  @RequiresScope('manage')
  async createProduct(
    @Arg('input', () => CreateProductInput) input: CreateProductInput,
    @Ctx() context: RequestContext,
  ): Promise<Product | ProductAlreadyExistsError | InvalidInputError> {
    const result = await context.inTime(context.services.products.createProduct(input));
    switch (result.outcome) {
      case 'CREATED': {
        const product = await context.inTime(context.loaders.productById.load(result.productId));
        return Object.assign(new Product(), product);
      }
      case 'ALREADY_EXISTS':
        return Object.assign(new ProductAlreadyExistsError(), {
          message: 'There is a product with this id already.',
          productId: result.productId,
        });
      case 'INVALID':
        return toInvalidInputError(result);
    }
  }

  @FieldResolver(() => [StockLevel], { description: 'By location; none where it never had stock.' })
  levels(@Root() product: Product, @Ctx() context: RequestContext): Promise<readonly StockLevel[]> {
    return context.inTime(context.loaders.levelsByProductId.load(product.id));
  }

  @FieldResolver(() => StockMovementConnection, {
    complexity: nodesOfPage,
    description: "The product's ledger over all locations, newest first.",
  })
  @RequiresScope('read')
  async movements(
    @Root() product: Product,
    @Args(() => PageArgs) page: PageArgs,
    @Ctx() context: RequestContext,
  ): Promise<StockMovementConnection> {
    const loader = context.loaders.movementsByProductId(page);
    return toConnection(await context.inTime(loader.load(product.id)));
  }
}

@Resolver(() => ProductAlreadyExistsError)
export class ProductAlreadyExistsErrorResolver {
  @FieldResolver(() => Product, {
    nullable: true,
    description: 'The product that is there; null where it could not be read.',
  })
  product(
    @Root() error: ProductAlreadyExistsError,
    @Ctx() context: RequestContext,
  ): Promise<Product | null> {
    return context.orNull(context.loaders.productById.load(error.productId));
  }
}
