/**
 * Who may run what. A field says which scope it needs, right where it is declared; a root field that says nothing is
 * refused, so what somebody forgets to declare is closed, not open.
 *
 * The check is part of the schema: it stands before every root field's resolver, whichever transport runs the
 * operation, and looks at the whole operation, so that nothing of it runs where a part of it may not. Scopes are
 * counted from the text: a field that a variable would leave out counts as well.
 */
import {
  Kind,
  defaultFieldResolver,
  getNamedType,
  isInterfaceType,
  isObjectType,
  type FragmentDefinitionNode,
  type GraphQLFieldResolver,
  type GraphQLNamedType,
  type GraphQLResolveInfo,
  type GraphQLSchema,
  type OperationDefinitionNode,
  type SelectionNode,
  type SelectionSetNode,
} from 'graphql';
import { Extensions } from 'type-graphql';
import { UnauthenticatedError, type Principal, type Scope } from '../auth/principal.js';

/** The scope that a principal needs for this field. Every root field has one; others are free unless they have one. */
export function RequiresScope(scope: Scope): MethodDecorator & PropertyDecorator {
  return Extensions({ scope });
}

/** The principal is known, and may not do this. Nothing was done. */
export class ForbiddenError extends Error {
  readonly code = 'FORBIDDEN' as const;
  constructor(message: string) {
    super(message);
    this.name = 'ForbiddenError';
  }
}

export interface Asker {
  readonly principal: Principal | null;
  /** False where everybody may do everything, and nobody needs a principal. */
  readonly needsPrincipal: boolean;
}

type Fragments = Readonly<Record<string, FragmentDefinitionNode | undefined>>;

/** Puts the check before the resolver of every root field. Returns the same schema. */
export function guardRootFields(schema: GraphQLSchema): GraphQLSchema {
  for (const field of rootFieldsOf(schema)) {
    field.resolve = guarded(field.resolve ?? defaultFieldResolver);
    if (field.subscribe) field.subscribe = guarded(field.subscribe);
  }
  return schema;
}

type Resolver = GraphQLFieldResolver<unknown, Asker>;

function guarded(resolver: Resolver): Resolver {
  return (source, args, context, info) => {
    assertPermitted(context, info, () => info.fragments);
    return resolver(source, args, context, info);
  };
}

function rootFieldsOf(schema: GraphQLSchema) {
  return [schema.getQueryType(), schema.getMutationType(), schema.getSubscriptionType()].flatMap(
    (type) => Object.values(type?.getFields() ?? {}),
  );
}

interface Needs {
  readonly scopes: ReadonlySet<Scope>;
  /** Root fields that declare none. */
  readonly undeclared: readonly string[];
}

/** An operation that comes again is the same object, as Apollo keeps what it has parsed. */
const needsOfOperations = new WeakMap<OperationDefinitionNode, Needs>();

/**
 * @throws UnauthenticatedError where a principal is needed and there is none.
 * @throws ForbiddenError where the principal lacks a scope, or a root field declares none.
 */
export function assertPermitted(
  { principal, needsPrincipal }: Asker,
  { schema, operation }: Pick<GraphQLResolveInfo, 'schema' | 'operation'>,
  fragments: () => Fragments,
): void {
  if (needsPrincipal && !principal) throw new UnauthenticatedError('A principal is needed.');
  let needs = needsOfOperations.get(operation);
  if (!needs) {
    needs = new Survey(schema, fragments()).of(operation);
    needsOfOperations.set(operation, needs);
  }
  if (needs.undeclared.length > 0) {
    throw new ForbiddenError(
      `Nobody may use ${needs.undeclared.join(', ')}: no scope is declared.`,
    );
  }
  if (!principal) return;
  const missing = [...needs.scopes].filter((scope) => !principal.scopes.has(scope));
  if (missing.length > 0) throw new ForbiddenError(`This needs the scope ${missing.join(', ')}.`);
}

/** Works on documents that GraphQL has found valid: every name is known. */
class Survey {
  private readonly scopes = new Set<Scope>();
  private readonly undeclared: string[] = [];
  private readonly spread = new Set<string>();

  constructor(
    private readonly schema: GraphQLSchema,
    private readonly fragments: Fragments,
  ) {}

  of({ operation, selectionSet }: OperationDefinitionNode): Needs {
    this.look(selectionSet, this.schema.getRootType(operation), true);
    return { scopes: this.scopes, undeclared: this.undeclared };
  }

  private look(
    { selections }: SelectionSetNode,
    type: GraphQLNamedType | undefined | null,
    root: boolean,
  ): void {
    for (const selection of selections) this.lookAt(selection, type, root);
  }

  private lookAt(
    selection: SelectionNode,
    type: GraphQLNamedType | undefined | null,
    root: boolean,
  ): void {
    switch (selection.kind) {
      case Kind.FIELD: {
        if (!isObjectType(type) && !isInterfaceType(type)) return;
        const field = type.getFields()[selection.name.value];
        // Introspection has a setting of its own.
        if (!field) return;
        const scope = field.extensions.scope as Scope | undefined;
        if (scope) this.scopes.add(scope);
        else if (root) this.undeclared.push(field.name);
        if (selection.selectionSet)
          this.look(selection.selectionSet, getNamedType(field.type), false);
        return;
      }
      case Kind.INLINE_FRAGMENT: {
        const { typeCondition, selectionSet } = selection;
        const inside = typeCondition ? this.schema.getType(typeCondition.name.value) : type;
        this.look(selectionSet, inside, root);
        return;
      }
      case Kind.FRAGMENT_SPREAD: {
        const name = selection.name.value;
        const fragment = this.fragments[name];
        if (!fragment || this.spread.has(name)) return;
        this.spread.add(name);
        this.look(
          fragment.selectionSet,
          this.schema.getType(fragment.typeCondition.name.value),
          root,
        );
      }
    }
  }
}
