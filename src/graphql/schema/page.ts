/** Pages: the arguments and the answer of every list that can grow. */
import { ArgsType, Field, Int, ObjectType } from 'type-graphql';
import { PAGE_SIZE_DEFAULT, PAGE_SIZE_MAX } from '../../inventory/product-service.js';
import type { Page } from '../../inventory/pages.js';

export const CURSOR_RULE = 'Opaque; for `after` or `before`.';
export const NODES_RULE = 'The nodes of the edges, for clients that need no cursors.';

@ArgsType()
export class PageArgs {
  @Field(() => Int, {
    nullable: true,
    description:
      `The number of entries from the front, 1 to ${PAGE_SIZE_MAX}. ` +
      `Default: ${PAGE_SIZE_DEFAULT} where neither first nor last is given.`,
  })
  readonly first?: number | null;

  @Field(() => String, {
    nullable: true,
    description: 'With first: the page begins after this cursor.',
  })
  readonly after?: string | null;

  @Field(() => Int, {
    nullable: true,
    description: `The number of entries from the back, 1 to ${PAGE_SIZE_MAX}. Not with first or after.`,
  })
  readonly last?: number | null;

  @Field(() => String, {
    nullable: true,
    description: 'With last: the page ends before this cursor.',
  })
  readonly before?: string | null;
}

@ObjectType('PageInfo', {
  simpleResolvers: true,
  description: 'The position of a page in its list.',
})
export class PageInfo {
  @Field(() => Boolean, { description: 'Whether entries follow this page.' })
  readonly hasNextPage!: boolean;

  @Field(() => Boolean, { description: 'Whether entries precede this page.' })
  readonly hasPreviousPage!: boolean;

  @Field(() => String, {
    nullable: true,
    description: 'Where the page begins, for `before`. Null: the page is empty.',
  })
  readonly startCursor!: string | null;

  @Field(() => String, {
    nullable: true,
    description:
      'Where the page ends, for `after`. Null: the page is empty, and the list ends here.',
  })
  readonly endCursor!: string | null;
}

/** The shape of all connections; each has its own type in the schema. */
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
      startCursor: page.startCursor ?? page.edges[0]?.cursor ?? null,
      endCursor: page.endCursor ?? page.edges.at(-1)?.cursor ?? null,
    },
  };
}
