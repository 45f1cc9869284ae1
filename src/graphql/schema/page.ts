/** Pages: what every list that can grow takes as arguments and gives as its answer. */
import { ArgsType, Field, Int, ObjectType } from 'type-graphql';
import { PAGE_SIZE_DEFAULT, PAGE_SIZE_MAX } from '../../inventory/product-service.js';
import type { Page } from '../../inventory/stock-store.js';

@ArgsType()
export class PageArgs {
  @Field(() => Int, {
    nullable: true,
    description:
      `How many entries from the front, 1 to ${PAGE_SIZE_MAX}; ` +
      `${PAGE_SIZE_DEFAULT} where neither first nor last is given.`,
  })
  readonly first?: number | null;

  @Field(() => String, {
    nullable: true,
    description: 'With first: the cursor behind which the page begins.',
  })
  readonly after?: string | null;

  @Field(() => Int, {
    nullable: true,
    description: `How many entries from the back, 1 to ${PAGE_SIZE_MAX}. Not together with first or after.`,
  })
  readonly last?: number | null;

  @Field(() => String, {
    nullable: true,
    description: 'With last: the cursor before which the page ends.',
  })
  readonly before?: string | null;
}

@ObjectType('PageInfo', {
  simpleResolvers: true,
  description: 'Where a page stands in its list.',
})
export class PageInfo {
  @Field(() => Boolean, { description: 'Whether entries follow this page.' })
  readonly hasNextPage!: boolean;

  @Field(() => Boolean, { description: 'Whether entries precede this page.' })
  readonly hasPreviousPage!: boolean;

  @Field(() => String, {
    nullable: true,
    description: 'The first entry, for `before`; null where the page is empty.',
  })
  readonly startCursor!: string | null;

  @Field(() => String, {
    nullable: true,
    description: 'The last entry, for `after`; null where the page is empty.',
  })
  readonly endCursor!: string | null;
}

/** The shape of all connections; each has a type of its own in the schema. */
export interface Connection<T> {
  readonly edges: readonly { readonly cursor: string; readonly node: T }[];
  readonly nodes: readonly T[];
  readonly pageInfo: PageInfo;
}

export function toConnection<T>(page: Page<T>): Connection<T> {
  return {
    edges: page.edges,
    nodes: page.edges.map((edge) => edge.node),
    pageInfo: {
      hasNextPage: page.hasNextPage,
      hasPreviousPage: page.hasPreviousPage,
      startCursor: page.edges[0]?.cursor ?? null,
      endCursor: page.edges.at(-1)?.cursor ?? null,
    },
  };
}
