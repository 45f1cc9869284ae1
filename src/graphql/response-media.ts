/**
 * The media types of answers, and the HTTP status that each has: GraphQL over HTTP, edition of September 2026. Apollo
 * knows the statuses of earlier drafts, so its answers in the newer type are given the edition's here.
 */
import type { FormattedExecutionResult } from 'graphql';

export type ResponseMedia = 'json' | 'graphql';

export const GRAPHQL_TYPE = 'application/graphql-response+json';

const TYPES: Readonly<Record<ResponseMedia, string>> = {
  json: 'application/json; charset=utf-8',
  graphql: `${GRAPHQL_TYPE}; charset=utf-8`,
};

/**
 * What a usual `accept` header asks for, as Apollo would find by parsing it: none, the two types, and what the edition
 * recommends in the two ways in which clients write it.
 */
const USUAL_ACCEPTS: ReadonlyMap<string | undefined, ResponseMedia> = new Map([
  [undefined, 'json'],
  ['*/*', 'json'],
  ['application/json', 'json'],
  [GRAPHQL_TYPE, 'graphql'],
  [`${GRAPHQL_TYPE}, application/json;q=0.9`, 'graphql'],
  [`${GRAPHQL_TYPE},application/json;q=0.9`, 'graphql'],
]);

/** Undefined: the header needs to be parsed. */
export function usualMedia(accept: string | undefined): ResponseMedia | undefined {
  return USUAL_ACCEPTS.get(accept);
}

/** Without parsing the header: the newer type where it is named at all. */
export function likelyMedia(accept: string | undefined): ResponseMedia {
  return accept?.includes(GRAPHQL_TYPE) ? 'graphql' : 'json';
}

export function contentTypeOf(media: ResponseMedia): string {
  return TYPES[media];
}

/** The media of an answer with this `content-type`; null for a page. */
export function mediaOf(contentType: string | undefined): ResponseMedia | null {
  if (contentType === TYPES.graphql) return 'graphql';
  return contentType === TYPES.json ? 'json' : null;
}

const OK = 200;
const BAD_REQUEST = 400;
const UNPROCESSABLE = 422;
const PARTIAL_SUCCESS = 294;

/**
 * @param status as it is for `application/json`, where 200 stands for every answer with data, and 400 for every
 * request that is wrong.
 */
export function statusIn(
  media: ResponseMedia,
  status: number,
  { data, errors }: Pick<FormattedExecutionResult, 'data' | 'errors'>,
): number {
  if (media === 'json' || !errors) return status;
  if (data !== undefined) return status === OK ? PARTIAL_SUCCESS : status;
  const isUnreadable = errors[0]?.extensions?.code === 'GRAPHQL_PARSE_FAILED';
  if (status === OK) return UNPROCESSABLE;
  return status === BAD_REQUEST && !isUnreadable ? UNPROCESSABLE : status;
}
