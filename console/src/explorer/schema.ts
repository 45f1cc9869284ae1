/** The schema for the editor, as it was when the console was built: no introspection is asked for, which may be off. */
import { buildSchema } from 'graphql';
import development from '../../../schema/development.graphql?raw';
import served from '../../../schema/schema.graphql?raw';
import { hasSaleTrials } from '../api/server-kind';

export const SCHEMA = buildSchema(hasSaleTrials ? development : served);
