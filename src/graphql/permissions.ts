/**
 * Scopes are checked on every transport before anything is locked or written. A field declares the scope that it needs;
 * a root field that declares none is refused to every principal, so a forgotten declaration fails closed.
 *
 * The check is a part of the schema: it runs before every root field's resolver, whichever transport executes the
 * operation, and covers the whole operation. No part of an operation runs where another part is not permitted.
 */
import { defaultFieldResolver, type GraphQLFieldResolver, type GraphQLSchema } from 'graphql';
import { Extensions } from 'type-graphql';
import { UnauthenticatedError, type Principal, type Scope } from '../auth/principal.js';
import { surveyOf, type Survey } from './survey.js';

/**
 * The scope that a principal needs for this field. Every root field declares one; it is optional on other fields.
 *
 * @param scope null: any principal may use the field.
 */
export function RequiresScope(scope: Scope | null): MethodDecorator & PropertyDecorator {
  return Extensions({ scope });
}

/** The principal is known, but lacks a scope. Nothing was done. */
export class ForbiddenError extends Error {
  readonly code = 'FORBIDDEN' as const;
  constructor(message: string) {
    super(message);
    this.name = 'ForbiddenError';
  }
}

/** What the check needs of a request's context. */
export interface Asker {
  readonly principal: Principal | null;
  /** False without authentication: every operation is permitted without a principal. */
  readonly needsPrincipal: boolean;
}

/** Puts the check before the resolver of every root field. Returns the same schema. */
export function guardRootFields(schema: GraphQLSchema): GraphQLSchema {
  for (const type of [
    schema.getQueryType(),
    schema.getMutationType(),
    schema.getSubscriptionType(),
  ]) {
    for (const field of Object.values(type?.getFields() ?? {})) {
      field.resolve = guarded(field.resolve ?? defaultFieldResolver);
      if (field.subscribe) field.subscribe = guarded(field.subscribe);
    }
  }
  return schema;
}

type Resolver = GraphQLFieldResolver<unknown, Asker>;

function guarded(resolver: Resolver): Resolver {
  return (source, args, context, info) => {
    assertPermitted(
      context,
      surveyOf(info.schema, info.operation, () => info.fragments),
    );
    return resolver(source, args, context, info);
  };
}

/**
 * @throws UnauthenticatedError where a principal is needed and there is none.
 * @throws ForbiddenError where the principal lacks a scope, or a root field declares none.
 */
export function assertPermitted(
  { principal, needsPrincipal }: Asker,
  { scopes, undeclared }: Pick<Survey, 'scopes' | 'undeclared'>,
): void {
  if (needsPrincipal && !principal) {
    throw new UnauthenticatedError(
      'This operation needs a principal; got none. Authenticate first.',
    );
  }
  if (undeclared.length > 0) {
    throw new ForbiddenError(
      `These fields declare no scope, so no principal may use them: ${undeclared.join(', ')}.`,
    );
  }
  if (!principal) return;
  const missing = [...scopes].filter((scope) => !principal.scopes.has(scope));
  if (missing.length === 0) return;
  const has = [...principal.scopes].join(', ') || 'no scope';
  throw new ForbiddenError(
    `This operation needs the scope ${missing.join(', ')}; the principal has ${has}. ` +
      'Use a credential with the missing scope.',
  );
}
