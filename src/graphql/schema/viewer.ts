/** Who the caller is: `viewer`. */
import { Ctx, Field, ObjectType, Query, Resolver, registerEnumType } from 'type-graphql';
import { SCOPES, type Scope } from '../../auth/principal.js';
import type { RequestContext } from '../context.js';
import { CountsNodes, smallNodes } from '../node-cost.js';
import { RequiresScope } from '../permissions.js';

/** As keys and tokens spell them. */
const Scopes: { readonly [Name in Scope]: Name } = {
  read: 'read',
  deduct: 'deduct',
  manage: 'manage',
};

registerEnumType(Scopes, {
  name: 'Scope',
  description: 'A permission, spelt as in keys and tokens. No scope implies another one.',
  valuesConfig: {
    read: { description: 'All queries and subscriptions about stock.' },
    deduct: { description: 'What a buyer causes: deductions and reservations.' },
    manage: {
      description:
        'What staff does: products, locations, increases, counts, transfers; and the queries about the servers.',
    },
  },
});

@ObjectType('Viewer', { simpleResolvers: true, description: 'The caller of this operation.' })
export class Viewer {
  @Field(() => String, {
    nullable: true,
    description:
      'The name of the principal, as the ledger shows it. Null: the server needs no authentication.',
  })
  readonly principal!: string | null;

  @CountsNodes(smallNodes(SCOPES.length))
  @Field(() => [Scopes], {
    description: 'What the caller may do. Without authentication: all scopes.',
  })
  readonly scopes!: readonly Scope[];
}

@Resolver()
export class ViewerResolver {
  @Query(() => Viewer, { description: 'Who the caller is, and what it may do. Needs no scope.' })
  @RequiresScope(null)
  viewer(@Ctx() { principal }: RequestContext): Viewer {
    return {
      principal: principal?.name ?? null,
      scopes: SCOPES.filter((scope) => principal?.scopes.has(scope) ?? true),
    };
  }
}
