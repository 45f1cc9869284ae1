/**
 * Compares the emitted schema with a contract. Everything of the contract must be emitted, with the same names,
 * arguments, defaults, nullability, kinds, interfaces and members; descriptions may differ. The schema may have more,
 * but no required argument or input field that the contract does not have, because its clients do not send it.
 *
 *     node scripts/check-contract.mjs path/to/contract.graphql [path/to/schema.graphql]
 *
 * Prints each difference on a line of its own, and then exits with 1.
 */
import { readFileSync } from 'node:fs';
import { pathToFileURL } from 'node:url';
import {
  astFromValue,
  buildSchema,
  isEnumType,
  isInputObjectType,
  isInterfaceType,
  isIntrospectionType,
  isObjectType,
  isRequiredArgument,
  isRequiredInputField,
  isSpecifiedScalarType,
  isUnionType,
  print,
} from 'graphql';

/**
 * One line for each difference; none if the schema has all of the contract.
 * @param {string} contractSdl
 * @param {string} schemaSdl
 * @returns {string[]}
 */
export function differences(contractSdl, schemaSdl) {
  const contract = buildSchema(contractSdl);
  const schema = buildSchema(schemaSdl);
  return Object.values(contract.getTypeMap())
    .filter((type) => !isIntrospectionType(type) && !isSpecifiedScalarType(type))
    .flatMap((promised) => {
      const type = schema.getType(promised.name);
      if (!type) return [`${promised.name} is missing`];
      if (promised.constructor !== type.constructor) {
        return [`${type.name} is a ${kindOf(type)}, in the contract a ${kindOf(promised)}`];
      }
      return differencesOf(partsOf(promised), type);
    });
}

function differencesOf(promised, type) {
  const emitted = partsOf(type);
  const others = [...promised].flatMap(([part, shape]) => {
    const ours = emitted.get(part);
    if (ours === undefined) return [`${part} is missing`];
    return ours === shape ? [] : [`${part} is ${ours}, in the contract ${shape}`];
  });
  const demanded = requiredOf(type)
    .filter(({ part, field }) => !promised.has(part) && (field === null || promised.has(field)))
    .map(({ part }) => `${part} is required, and not in the contract`);
  return [...others, ...demanded];
}

/** What a client must send: input fields, and arguments with their fields. */
function requiredOf(type) {
  if (isInputObjectType(type)) {
    const fields = Object.values(type.getFields()).filter(isRequiredInputField);
    return fields.map(({ name }) => ({ part: `${type.name}.${name}`, field: null }));
  }
  if (!isObjectType(type) && !isInterfaceType(type)) return [];
  return Object.values(type.getFields()).flatMap(({ name, args }) => {
    const field = `${type.name}.${name}`;
    return args.filter(isRequiredArgument).map((arg) => ({ part: `${field}(${arg.name})`, field }));
  });
}

function kindOf(type) {
  return type.constructor.name.replace(/^GraphQL|Type$/g, '');
}

/** Every part of a type by its path, with everything of its shape that a client can see. */
function partsOf(type) {
  const parts = new Map();
  if (isEnumType(type)) {
    for (const value of type.getValues()) parts.set(`${type.name}.${value.name}`, 'a value');
  } else if (isUnionType(type)) {
    for (const member of type.getTypes()) parts.set(`${type.name} = ${member.name}`, 'a member');
  } else if (isInputObjectType(type)) {
    for (const field of Object.values(type.getFields())) {
      parts.set(`${type.name}.${field.name}`, inputShape(field));
    }
  } else if (isObjectType(type) || isInterfaceType(type)) {
    const interfaces = type.getInterfaces().map(({ name }) => name);
    parts.set(`${type.name} implements`, interfaces.sort().join(' & ') || 'nothing');
    for (const field of Object.values(type.getFields())) {
      parts.set(`${type.name}.${field.name}`, String(field.type));
      for (const argument of field.args) {
        parts.set(`${type.name}.${field.name}(${argument.name})`, inputShape(argument));
      }
    }
  }
  return parts;
}

function inputShape({ type, defaultValue }) {
  if (defaultValue === undefined) return String(type);
  return `${String(type)} = ${print(astFromValue(defaultValue, type))}`;
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const [contractPath, schemaPath = 'schema/schema.graphql'] = process.argv.slice(2);
  if (!contractPath) {
    console.error('Usage: node scripts/check-contract.mjs CONTRACT [SCHEMA]');
    process.exit(1);
  }
  const texts = [readFileSync(contractPath, 'utf8'), readFileSync(schemaPath, 'utf8')];
  const found = differences(...texts);
  for (const difference of found) console.error(difference);
  if (found.length > 0) process.exit(1);
  console.log('The schema keeps the contract.');
}
