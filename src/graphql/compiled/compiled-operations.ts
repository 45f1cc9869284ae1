/**
 * The plans of operations that come again. An operation gets a plan at its second sighting: one that comes once costs
 * nothing here. What has no plan, and variables that are wrong, are left to graphql-js, and counted by the reason.
 *
 * The plans are bounded by the fields that their operations select. An operation is told by its syntax tree, so only
 * those whose document stays in the document store are ever seen twice, and a client with ever new documents displaces
 * no plan that is in use more than it displaces documents.
 */
import {
  Kind,
  visit,
  type DocumentNode,
  type ExecutionResult,
  type GraphQLSchema,
  type OperationDefinitionNode,
} from 'graphql';
import { LRUCache } from 'lru-cache';
import { fragmentsOf, surveyOf } from '../survey.js';
import { Plan } from './plan.js';
import type { Variables } from './planned-field.js';
import { plannedVariables, type PlannedVariables } from './planned-variables.js';

/** Fields of all plans together; one field is about half a kilobyte. */
const FIELDS_MAX = 20_000;
/** Plans of one operation, which differ in what `@skip` and `@include` leave. */
const VARIANTS_MAX = 8;

/** Why graphql-js executed an operation. */
export type InterpretedReason = 'off' | 'first' | 'variables' | 'conditions';

export interface CompiledStats {
  readonly compiled: number;
  readonly interpreted: Readonly<Record<InterpretedReason, number>>;
  /** Operations that have plans. */
  readonly operations: number;
}

interface CompiledOperation {
  readonly variablesOf: PlannedVariables;
  /** Variables that decide which fields are selected. */
  readonly conditions: readonly string[];
  /** By the values of those variables. */
  readonly variants: Map<string, Plan>;
}

export interface Asked {
  readonly schema: GraphQLSchema;
  readonly document: DocumentNode;
  readonly operation: OperationDefinitionNode;
  readonly variables: Variables | undefined;
}

/** An operation with its variables, coerced. */
export interface ReadyOperation {
  readonly plan: Plan;
  readonly variables: Variables;
}

export class CompiledOperations {
  private readonly seen = new WeakSet<OperationDefinitionNode>();
  private readonly operations = new LRUCache<OperationDefinitionNode, CompiledOperation>({
    maxSize: FIELDS_MAX,
  });
  private readonly interpreted = { off: 0, first: 0, variables: 0, conditions: 0 };
  private compiled = 0;

  /**
   * @param isOn false: graphql-js executes everything.
   * @param atFirst for tests: an operation has a plan at its first sighting.
   */
  constructor(
    private readonly isOn: boolean,
    private readonly atFirst = false,
  ) {}

  /** Null where graphql-js must execute the operation. Nothing has run then. */
  execute(asked: Asked, context: unknown): ExecutionResult | Promise<ExecutionResult> | null {
    const compiled = this.compiledOf(asked);
    const ready = typeof compiled === 'string' ? compiled : readyOf(asked, compiled);
    if (typeof ready !== 'string') return this.run(ready, context);
    this.interpreted[ready] += 1;
    return null;
  }

  /** What `run` takes; null where `execute` must decide. Counts nothing. */
  ready(asked: Asked): ReadyOperation | null {
    const compiled = this.operations.get(asked.operation);
    const ready = compiled ? readyOf(asked, compiled) : null;
    return typeof ready === 'string' ? null : ready;
  }

  run(
    { plan, variables }: ReadyOperation,
    context: unknown,
  ): ExecutionResult | Promise<ExecutionResult> {
    this.compiled += 1;
    return plan.execute(context, variables);
  }

  stats(): CompiledStats {
    const { compiled, interpreted } = this;
    return { compiled, interpreted, operations: this.operations.size };
  }

  private compiledOf(asked: Asked): CompiledOperation | InterpretedReason {
    const { schema, document, operation } = asked;
    if (!this.isOn) return 'off';
    const known = this.operations.get(operation);
    if (known) return known;
    if (!this.atFirst && !this.seen.has(operation)) {
      this.seen.add(operation);
      return 'first';
    }
    const fragments = fragmentsOf(document);
    const { fields } = surveyOf(schema, operation, () => fragments).size;
    const compiled = {
      variablesOf: plannedVariables(schema, operation),
      conditions: conditionsOf(document),
      variants: new Map<string, Plan>(),
    };
    this.operations.set(operation, compiled, { size: Math.max(1, fields) });
    return compiled;
  }
}

function readyOf(asked: Asked, compiled: CompiledOperation): ReadyOperation | InterpretedReason {
  const coerced = compiled.variablesOf(asked.variables ?? {});
  if (!coerced) return 'variables';
  const plan = planFor(asked, compiled, coerced);
  return plan ? { plan, variables: coerced } : 'conditions';
}

function planFor(
  { schema, document, operation }: Asked,
  { conditions, variants }: CompiledOperation,
  variables: Variables,
): Plan | null {
  const key = conditions.map((name) => String(variables[name])).join();
  const known = variants.get(key);
  if (known || variants.size >= VARIANTS_MAX) return known ?? null;
  const plan = new Plan(schema, operation, fragmentsOf(document));
  variants.set(key, plan);
  return plan;
}

/** Those of all operations of the document: two that share one are rare. */
function conditionsOf(document: DocumentNode): readonly string[] {
  const conditions = new Set<string>();
  visit(document, {
    Directive: ({ name, arguments: given = [] }) => {
      if (name.value !== 'skip' && name.value !== 'include') return;
      for (const { value } of given) {
        if (value.kind === Kind.VARIABLE) conditions.add(value.name.value);
      }
    },
  });
  return [...conditions];
}
