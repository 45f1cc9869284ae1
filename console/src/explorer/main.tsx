/** The explorer: GraphiQL with the operations of schema/operations as tabs, from this server as all of the console. */
import 'graphiql/setup-workers/vite';
import { GraphiQL } from 'graphiql';
import { getOperationAST, OperationTypeNode } from 'graphql';
import { createClient } from 'graphql-ws';
import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { API_PATH } from '../api/connection';
import { credentials } from '../api/session';
import { SCHEMA } from './schema';
import { TABS } from './tabs';
import 'graphiql/style.css';
import './explorer.css';

type Fetcher = Parameters<typeof GraphiQL>[0]['fetcher'];
type Request = Parameters<Fetcher>[0];
type Options = Parameters<Fetcher>[1];

const socket = createClient({
  url: `${location.origin.replace(/^http/, 'ws')}${API_PATH}`,
  connectionParams: credentials,
});

/** Subscriptions go by WebSocket, all else by POST. Headers that are typed in win over the key of the session. */
const fetcher = (async (request: Request, options?: Options) => {
  const document = options?.documentAST;
  const operation = document && getOperationAST(document, request.operationName);
  if (operation?.operation === OperationTypeNode.SUBSCRIPTION) {
    const { query, operationName = null } = request;
    const variables = request.variables as Record<string, unknown> | undefined;
    return socket.iterate({ query, operationName, ...(variables ? { variables } : {}) });
  }
  const response = await fetch(API_PATH, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      accept: 'application/graphql-response+json, application/json',
      ...credentials(),
      ...options?.headers,
    },
    body: JSON.stringify(request),
  });
  return (await response.json()) as unknown;
}) as Fetcher;

const root = document.getElementById('root');
if (!root) throw new Error('The page has no element #root.');
createRoot(root).render(
  <StrictMode>
    <GraphiQL
      schema={SCHEMA}
      fetcher={fetcher}
      defaultTabs={[...TABS]}
      shouldPersistHeaders={false}
    >
      <GraphiQL.Logo>
        <a className="explorer-home" href="/console/">
          <img src="/console/icon.svg" alt="" width="20" height="20" /> Console
        </a>
      </GraphiQL.Logo>
    </GraphiQL>
  </StrictMode>,
);
