/**
 * Serialised FileDescriptorProtos of the definitions, for server reflection. Written here because protobufjs's own
 * conversion leaves type names relative and names map entries differently than other implementations demand.
 */
import protobuf from 'protobufjs';
import descriptor from 'protobufjs/ext/descriptor.js';
import type { Definition } from './definitions.ts';

/** google.protobuf.FieldDescriptorProto.Type by the name in a definition. */
const scalarTypes: Readonly<Record<string, number>> = {
  double: 1,
  float: 2,
  int64: 3,
  uint64: 4,
  int32: 5,
  bool: 8,
  string: 9,
  bytes: 12,
  uint32: 13,
};
const messageType = 11;
const enumType = 14;
const optional = 1;
const repeated = 3;

const jsonName = (name: string): string => name.replaceAll(/_(.)/g, (_, letter: string) => letter.toUpperCase());
/** How every protobuf compiler names the entry message of a map field. */
const entryName = (name: string): string => `${name[0]!.toUpperCase()}${jsonName(name).slice(1)}Entry`;

type Json = Record<string, unknown>;

function typeOf(name: string, resolved: protobuf.ReflectionObject | null): Json {
  if (resolved === null) return { type: scalarTypes[name] };
  return { type: resolved instanceof protobuf.Enum ? enumType : messageType, typeName: resolved.fullName };
}

function describeField(field: protobuf.Field, owner: protobuf.Type): Json {
  const named = { name: field.name, jsonName: jsonName(field.name), number: field.id };
  if (field instanceof protobuf.MapField) {
    return { ...named, label: repeated, type: messageType, typeName: `${owner.fullName}.${entryName(field.name)}` };
  }
  return {
    ...named,
    label: field.repeated ? repeated : optional,
    ...typeOf(field.type, field.resolvedType),
    ...(field.partOf === null ? undefined : { oneofIndex: owner.oneofsArray.indexOf(field.partOf) }),
  };
}

function describeEntry(field: protobuf.MapField): Json {
  return {
    name: entryName(field.name),
    field: [
      { name: 'key', jsonName: 'key', number: 1, label: optional, type: scalarTypes[field.keyType] },
      { name: 'value', jsonName: 'value', number: 2, label: optional, ...typeOf(field.type, field.resolvedType) },
    ],
    options: { mapEntry: true },
  };
}

function describeType(type: protobuf.Type): Json {
  return {
    name: type.name,
    field: type.fieldsArray.map((field) => describeField(field, type)),
    nestedType: [
      ...type.nestedArray.filter((nested) => nested instanceof protobuf.Type).map(describeType),
      ...type.fieldsArray.filter((field) => field instanceof protobuf.MapField).map(describeEntry),
    ],
    enumType: type.nestedArray.filter((nested) => nested instanceof protobuf.Enum).map(describeEnum),
    oneofDecl: type.oneofsArray.map((oneof) => ({ name: oneof.name })),
  };
}

const describeEnum = (type: protobuf.Enum): Json => ({
  name: type.name,
  value: Object.entries(type.values).map(([name, number]) => ({ name, number })),
});

const describeService = (service: protobuf.Service): Json => ({
  name: service.name,
  method: service.methodsArray.map((method) => ({
    name: method.name,
    inputType: method.resolvedRequestType!.fullName,
    outputType: method.resolvedResponseType!.fullName,
    clientStreaming: method.requestStream === true,
    serverStreaming: method.responseStream === true,
  })),
});

export interface FileDescription {
  readonly file: string;
  readonly bytes: Uint8Array;
  /** Full names of everything that the file defines, without a leading dot. */
  readonly symbols: readonly string[];
  readonly services: readonly string[];
}

export function describeFile(definition: Definition): FileDescription {
  const namespace = definition.root.lookup(definition.packageName) as protobuf.Namespace;
  const objects = namespace.nestedArray;
  const types = objects.filter((object) => object instanceof protobuf.Type);
  const enums = objects.filter((object) => object instanceof protobuf.Enum);
  const services = objects.filter((object) => object instanceof protobuf.Service);
  const file = descriptor.FileDescriptorProto.fromObject({
    name: definition.file,
    package: definition.packageName,
    syntax: 'proto3',
    messageType: types.map(describeType),
    enumType: enums.map(describeEnum),
    service: services.map(describeService),
  });
  return {
    file: definition.file,
    bytes: descriptor.FileDescriptorProto.encode(file).finish(),
    symbols: objects.flatMap(symbolsOf),
    services: services.map((service) => service.fullName.slice(1)),
  };
}

function symbolsOf(object: protobuf.ReflectionObject): string[] {
  const name = object.fullName.slice(1);
  if (object instanceof protobuf.Service)
    return [name, ...object.methodsArray.map((method) => method.fullName.slice(1))];
  if (object instanceof protobuf.Type) {
    return [
      name,
      ...object.fieldsArray.map((field) => field.fullName.slice(1)),
      ...object.nestedArray.flatMap(symbolsOf),
    ];
  }
  return [name];
}
