/** Changes of a product: the types and the mutations. */
import { Arg, Ctx, Field, InputType, Int, Mutation, Resolver, createUnionType } from 'type-graphql';
import type { UpdateProductResult as DomainResult } from '../../inventory/product-service.js';
import type { RequestContext } from '../context.js';
import { RequiresScope } from '../permissions.js';
import { ID } from './id.js';
import { Product } from './product.js';
import {
  InvalidInputError,
  ProductNotFoundError,
  toInvalidInputError,
  toStockError,
  type AnyError,
} from './stock-error.js';

@InputType('UpdateProductInput', { description: 'What is left out stays as it is.' })
export class UpdateProductInput {
  @Field(() => ID)
  readonly id!: string;

  @Field(() => String, { nullable: true, description: '1 to 255 characters, not only spaces.' })
  readonly name?: string | null;

  @Field(() => Int, {
    nullable: true,
    description: '0 or more. Null takes the threshold away: stock is never low.',
  })
  readonly lowStockThreshold?: number | null;
}

@InputType('ArchiveProductInput')
export class ArchiveProductInput {
  @Field(() => ID)
  readonly id!: string;
}

@InputType('RestoreProductInput')
export class RestoreProductInput {
  @Field(() => ID)
  readonly id!: string;
}

export const UpdateProductResult = createUnionType({
  name: 'UpdateProductResult',
  description: 'The product as it is now, or the error.',
  types: () => [Product, ProductNotFoundError, InvalidInputError] as const,
});

@Resolver()
export class ProductChangesResolver {
  @Mutation(() => UpdateProductResult, {
    description:
      "Changes a product's name or threshold. What is left out stays as it is; null takes the threshold away.",
  })
  @RequiresScope('manage')
  async updateProduct(
    @Arg('input', () => UpdateProductInput) input: UpdateProductInput,
    @Ctx() { services, caller }: RequestContext,
  ): Promise<Product | AnyError> {
    return toAnswer(await services.products.updateProduct(input, caller.deadline));
  }

  @Mutation(() => UpdateProductResult, {
    description:
      'Takes a product out of sale. It keeps its levels and its ledger. From the answer on, deductions and new ' +
      'reservations are refused with PRODUCT_ARCHIVED; everything else goes on. Safe to repeat.',
  })
  @RequiresScope('manage')
  async archiveProduct(
    @Arg('input', () => ArchiveProductInput) { id }: ArchiveProductInput,
    @Ctx() { services, caller }: RequestContext,
  ): Promise<Product | AnyError> {
    return toAnswer(await services.products.setArchived(id, true, caller.deadline));
  }

  @Mutation(() => UpdateProductResult, {
    description:
      'Puts an archived product back on sale, with the stock that it has. Safe to repeat.',
  })
  @RequiresScope('manage')
  async restoreProduct(
    @Arg('input', () => RestoreProductInput) { id }: RestoreProductInput,
    @Ctx() { services, caller }: RequestContext,
  ): Promise<Product | AnyError> {
    return toAnswer(await services.products.setArchived(id, false, caller.deadline));
  }
}

function toAnswer(result: DomainResult): Product | AnyError {
  switch (result.outcome) {
    case 'UPDATED':
      return Object.assign(new Product(), result.product);
    case 'NOT_FOUND':
      return toStockError({ code: 'PRODUCT_NOT_FOUND' }, { productId: result.productId });
    case 'INVALID':
      return toInvalidInputError(result);
  }
}
