/**
 * Compares the emitted schema with a contract. Everything that is emitted must be in the contract, with the same names,
 * arguments, defaults, nullability, kinds, interfaces and members; descriptions may differ. Types, fields, and optional
 * arguments and input fields of the contract may be missing. A required argument or input field may not, because a
 * client has to send it.
 *
 *     node scripts/check-contract.mjs [--missing] path/to/contract.graphql [path/to/schema.graphql]
 *
 * Prints each difference on a line of its own, and then exits with 1. With --missing it also lists the parts of the
 * contract that are not built yet, which changes nothing of the exit code.
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
  isSpecifiedScalarType,
  isUnionType,
  print,
} from 'graphql';

/**
 * One line for each difference; none if the schema is the contract or a part of it.
 * @param {string} contractSdl
 * @param {string} schemaSdl
 * @returns {string[]}
 */
export function differences(contractSdl, schemaSdl) {
  const contract = buildSchema(contractSdl);
  const schema = buildSchema(schemaSdl);
  return Object.values(schema.getTypeMap())
    .filter((type) => !isIntrospectionType(type) && !isSpecifiedScalarType(type))
    .flatMap((type) => {
      const promised = contract.getType(type.name);
      if (!promised) return [`${type.name} is not in the contract`];
      if (promised.constructor !== type.constructor) {
        return [`${type.name} is a ${kindOf(type)}, in the contract a ${kindOf(promised)}`];
      }
      const wanted = partsOf(promised);
      return [...partsOf(type)].flatMap(([part, shape]) => {
        const expected = wanted.get(part);
        if (expected === undefined) return [`${part} is not in the contract`];
        return expected === shape ? [] : [`${part} is ${shape}, in the contract ${expected}`];
      });
    })
    .concat(missingRequired(contract, schema));
}

/**
 * The parts of the contract that the schema lacks, by their paths. Of a missing type or field only the whole is named.
 * @param {string} contractSdl
 * @param {string} schemaSdl
 * @returns {string[]}
 */
export function missingParts(contractSdl, schemaSdl) {
  const contract = buildSchema(contractSdl);
  const schema = buildSchema(schemaSdl);
  return Object.values(contract.getTypeMap())
    .filter((type) => !isIntrospectionType(type) && !isSpecifiedScalarType(type))
    .flatMap((promised) => {
      const type = schema.getType(promised.name);
      if (!type) return [promised.name];
      const has = partsOf(type);
      return [...partsOf(promised).keys()]
        .filter((part) => !has.has(part))
        .filter((part) => fieldOf(part) === undefined || has.has(fieldOf(part)));
    });
}

/** The field of an argument's path; undefined for other paths. */
function fieldOf(part) {
  return /^(.+)\(/.exec(part)?.[1];
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

/** `ID!`, but neither `ID` nor `Int! = 0`. */
function isRequired(inputShape) {
  return inputShape.endsWith('!');
}

/** A client of the contract sends what is required; a schema without it refuses the request. */
function missingRequired(contract, schema) {
  return Object.values(contract.getTypeMap()).flatMap((promised) => {
    const type = schema.getType(promised.name);
    if (isIntrospectionType(promised) || !type || type.constructor !== promised.constructor)
      return [];
    const has = partsOf(type);
    return [...partsOf(promised)]
      .filter(([part, shape]) => !has.has(part) && isRequired(shape))
      .filter(([part]) => isInputObjectType(promised) || has.has(fieldOf(part)))
      .map(([part]) => `${part} is missing`);
  });
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const given = process.argv.slice(2);
  const [contractPath, schemaPath = 'schema/schema.graphql'] = given.filter(
    (argument) => argument !== '--missing',
  );
  if (!contractPath) {
    console.error('Usage: node scripts/check-contract.mjs [--missing] CONTRACT [SCHEMA]');
    process.exit(1);
  }
  const texts = [readFileSync(contractPath, 'utf8'), readFileSync(schemaPath, 'utf8')];
  if (given.includes('--missing')) {
    for (const part of missingParts(...texts)) console.log(`Not built yet: ${part}`);
  }
  const found = differences(...texts);
  for (const difference of found) console.error(difference);
  if (found.length > 0) process.exit(1);
  console.log('The schema keeps the contract.');
}
