/**
 * The schema as a subgraph of Apollo Federation 2: products and locations are entities, which a gateway joins to the
 * fields that other subgraphs have of them. The additions are made to the built schema, because type-graphql knows
 * neither directives of types nor these names.
 */
import {
  GraphQLError,
  GraphQLList,
  GraphQLNonNull,
  GraphQLObjectType,
  GraphQLScalarType,
  GraphQLSchema,
  GraphQLString,
  GraphQLUnionType,
  Kind,
  isObjectType,
  lexicographicSortSchema,
  parse,
  print,
  printSchema,
  visit,
  type ConstDirectiveNode,
} from 'graphql';
import type { RequestContext } from '../context.js';
import type { Loaders } from '../loaders.js';
import { nodesOfRepresentations } from '../node-cost.js';
import { ID } from './id.js';

const SPECIFICATION = 'https://specs.apollo.dev/federation/v2.3';
const LINK = `extend schema @link(url: "${SPECIFICATION}", import: ["@key", "@shareable"])`;

/** What gateways know entities by, and types that several subgraphs may have alike. */
const DIRECTIVES: Readonly<Record<string, string>> = {
  Product: '@key(fields: "id")',
  Location: '@key(fields: "id")',
  PageInfo: '@shareable',
};

/** The subgraph's own SDL, as composition takes it: without what `withFederation` adds. */
export function subgraphSdl(schema: GraphQLSchema): string {
  const document = visit(parse(printSchema(lexicographicSortSchema(schema))), {
    ObjectTypeDefinition: (type) => {
      const directive = DIRECTIVES[type.name.value];
      if (directive === undefined) return undefined;
      return { ...type, directives: [...(type.directives ?? []), ...directivesOf(directive)] };
    },
  });
  return `${LINK}\n\n${print(document)}\n`;
}

function directivesOf(text: string): readonly ConstDirectiveNode[] {
  const [definition] = parse(`scalar Any ${text}`).definitions;
  return definition?.kind === Kind.SCALAR_TYPE_DEFINITION ? (definition.directives ?? []) : [];
}

/** The schema with `_entities` and `_service`. */
export function withFederation(schema: GraphQLSchema): GraphQLSchema {
  const sdl = subgraphSdl(schema);
  const config = schema.toConfig();
  const query = config.query?.toConfig();
  if (!query) throw new Error('The schema has no queries.');
  const Any = new GraphQLScalarType({
    name: '_Any',
    description: 'What a gateway knows of an entity: its type and its key.',
  });
  const Service = new GraphQLObjectType({
    name: '_Service',
    description: 'This subgraph.',
    fields: { sdl: { type: GraphQLString, description: 'Its schema, for composition.' } },
  });
  const Entity = new GraphQLUnionType({
    name: '_Entity',
    description: 'Types that a gateway may join to those of other subgraphs.',
    types: Object.keys(ENTITIES)
      .map((name) => schema.getType(name))
      .filter(isObjectType),
    resolveType: ({ __typename }: Entity) => __typename,
  });
  return new GraphQLSchema({
    ...config,
    types: config.types.filter((type) => type !== config.query),
    query: new GraphQLObjectType({
      ...query,
      fields: {
        ...query.fields,
        _service: {
          type: new GraphQLNonNull(Service),
          description: 'For composition: the SDL of this subgraph.',
          extensions: { scope: 'read' },
          resolve: () => ({ sdl }),
        },
        _entities: {
          type: new GraphQLNonNull(new GraphQLList(Entity)),
          description: 'For gateways: entities by their keys. Null for each that does not exist.',
          args: {
            representations: { type: new GraphQLNonNull(new GraphQLList(new GraphQLNonNull(Any))) },
          },
          extensions: { scope: 'read', nodes: nodesOfRepresentations },
          resolve: (_source, { representations }, { loaders }: RequestContext) =>
            (representations as readonly unknown[]).map((each) => findEntity(loaders, each)),
        },
      },
    }),
  });
}

interface Entity {
  readonly __typename: string;
}

/** How entities of a type are read. */
const ENTITIES: Readonly<Record<string, (loaders: Loaders, id: string) => Promise<object | null>>> =
  {
    Product: ({ productById }, id) => productById.load(id),
    Location: ({ locationById }, id) => locationById.load(id),
  };

async function findEntity(loaders: Loaders, representation: unknown): Promise<Entity | null> {
  const { __typename: name, id } = (representation ?? {}) as Readonly<Record<string, unknown>>;
  const isKnown = typeof name === 'string' && Object.hasOwn(ENTITIES, name);
  const find = isKnown ? ENTITIES[name] : undefined;
  if (typeof name !== 'string' || !find || (id ?? null) === null) {
    throw new GraphQLError(
      `A representation must have the __typename ${Object.keys(ENTITIES).join(' or ')}, and an id.`,
      { extensions: { code: 'BAD_USER_INPUT' } },
    );
  }
  const entity = await find(loaders, ID.parseValue(id));
  return entity && { ...entity, __typename: name };
}
