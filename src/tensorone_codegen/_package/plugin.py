"""The plugin of ariadne-codegen: turns its output into a leaf of models and operations."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING, Any

from ariadne_codegen.plugins.base import Plugin
from graphql import (
    FieldNode,
    FragmentDefinitionNode,
    GraphQLInputField,
    GraphQLInterfaceType,
    InputValueDefinitionNode,
    NameNode,
    OperationDefinitionNode,
    VariableDefinitionNode,
    VariableNode,
    parse,
)

from tensorone_codegen import _names, _schema
from tensorone_codegen._errors import CodegenError
from tensorone_codegen._project import locations
from tensorone_codegen._project.settings import RUNTIME

from . import client, defaults, documents, hidden_names, models, probe_document, stand_ins
from .open_types import accept_newer_types

if TYPE_CHECKING:
    from collections.abc import Mapping

    from graphql import (
        ExecutableDefinitionNode,
        GraphQLEnumType,
        GraphQLInputObjectType,
        GraphQLSchema,
        SelectionSetNode,
    )


# Inputs that are built together when a package is imported. pydantic writes everything that an input can hold into what
# it builds for it: sixty that can all hold each other take seconds, and a hundred are too deep for it.
MOST_INPUTS = 30


# Types of scalars in whose values no key can be.
_ATOMS = frozenset(
    {"None", "bool", "datetime.date", "datetime.datetime", "datetime.time", "datetime.timedelta", "decimal.Decimal"}
    | {"float", "int", "pydantic.AnyUrl", "str", "uuid.UUID"}
)


_LIKE_A_METHOD = re.compile(rf"^    (?:{'|'.join(name for name in dir(str) if name[0] != '_')}) = .*$", re.MULTILINE)


class SdkPlugin(Plugin):
    """One object for one run; ariadne-codegen calls its hooks in the order in which it builds the package.

    Its settings list the secret fields, and the fragments and classes that another package already has.
    """

    def __init__(self, schema: GraphQLSchema, config_dict: dict[str, Any]) -> None:
        self.schema = schema
        settings = config_dict["tool"]["tensorone-codegen"]
        self._secret = frozenset[str](settings["secret"])
        self._inherited: frozenset[str] = settings["inherited"]
        self._elsewhere: dict[str, str] = settings["elsewhere"]
        self._stand_ins: dict[str, str] = settings["stand_ins"]
        self._real = {stand_in: name for name, stand_in in self._stand_ins.items()}
        self._atoms = {
            name
            for name, scalar in config_dict["tool"]["ariadne-codegen"]["scalars"].items()
            if scalar["type"] in _ATOMS
        }
        self._open_enums = _schema.enums_of_outputs(schema)
        self._interfaces = frozenset(
            name for name, type_ in schema.type_map.items() if isinstance(type_, GraphQLInterfaceType)
        )
        self._owners: dict[int, str] = {}
        self._superfluous: set[str] = set()
        self._modules: dict[str, ast.Module] = {}

    def process_schema(self, schema: GraphQLSchema) -> GraphQLSchema:
        """Defaults are read as they stand."""
        defaults.spell_out(schema)
        return schema

    def process_name(self, name: str, node: Any = None) -> str:
        """Names are escaped only where Python demands it: `type`, not `type_`."""
        match node:
            case GraphQLInputField(ast_node=InputValueDefinitionNode(name=NameNode(value=own))):
                return _names.attribute(own)
            case FieldNode():
                return _names.attribute(_schema.key(node))
            case VariableDefinitionNode(variable=VariableNode(name=NameNode(value=own))):
                return _names.argument(own)
            case OperationDefinitionNode(name=NameNode(value=own)):
                return _names.method(own)
            case _:
                return name

    # --- enums and inputs

    def generate_enum(self, class_def: ast.ClassDef, enum_type: GraphQLEnumType) -> ast.ClassDef:
        """An enum in answers accepts values that are newer than this package."""
        if enum_type.name in self._open_enums:
            class_def.bases = [ast.Name("OpenEnum")]
        members = (node for node in class_def.body if isinstance(node, ast.Assign))
        for node, name in zip(members, enum_type.values, strict=True):
            node.targets = [ast.Name(_names.member(name))]
        texts = {_names.member(name): value.description for name, value in enum_type.values.items()}
        models.describe(class_def, texts)
        return models.documented(class_def, enum_type.description)

    def generate_enums_module(self, module: ast.Module) -> ast.Module:
        """Imports the base of open enums."""
        models.remove(module, self._elsewhere)
        models.with_import(module, "open_enum", ["OpenEnum"])
        return self._finished("enums", module)

    def generate_enums_code(self, generated_code: str) -> str:
        """Members may have the names of methods of `str`, which type checkers would report."""
        return _LIKE_A_METHOD.sub(r"\g<0>  # type: ignore[assignment]  # hides a method of str", generated_code)

    def generate_input_field(
        self,
        field_implementation: ast.AnnAssign,
        input_field: GraphQLInputField,
        field_name: str,  # noqa: ARG002 - the hook's
    ) -> ast.AnnAssign:
        """A default is written as the schema has it."""
        if input_field.ast_node and input_field.ast_node.default_value:
            defaults.set_default(field_implementation, input_field.ast_node.default_value)
        models.open_to_classes(field_implementation)
        return field_implementation

    def generate_input_class(self, class_def: ast.ClassDef, input_type: GraphQLInputObjectType) -> ast.ClassDef:
        """An input refuses unknown fields, accepts Python names as keywords, and hides what is secret."""
        class_def.bases = [ast.Name("InputModel")]
        secret = {_names.attribute(name) for name in input_type.fields if f"{input_type.name}.{name}" in self._secret}
        for field in models.fields(class_def):
            models.split_alias(field)
            if models.name_of(field) in secret:
                models.hide(field, "secret_sent")
        return class_def

    def generate_inputs_module(self, module: ast.Module) -> ast.Module:
        """Imports the base of inputs, and decides when they are built."""
        models.remove(module, self._elsewhere)
        if len(_names.classes(module)) > MOST_INPUTS:
            models.separate(module)
        else:
            models.build(module)
        module.body[:0] = models.from_elsewhere(module, self._elsewhere)
        models.with_import(module, "base_model", ["InputModel", "of_any_class", "validated_alone"])
        models.with_import(module, "secret_values", ["secret_sent"])
        models.with_import(module, "typing", ["Annotated"], level=0)
        models.with_import(module, "pydantic", ["Field"], level=0)
        return self._finished("input_types", module)

    # --- results

    def generate_result_field(
        self, field_implementation: ast.AnnAssign, operation_definition: ExecutableDefinitionNode, field: FieldNode
    ) -> ast.AnnAssign:
        """A field accepts its Python name as keyword, and hides what is secret."""
        models.split_alias(field_implementation)
        models.open_to_classes(field_implementation)
        if self._is_secret(field, operation_definition):
            models.hide(field_implementation)
        return field_implementation

    def generate_result_class(
        self, class_def: ast.ClassDef, operation_definition: ExecutableDefinitionNode, selection_set: SelectionSetNode
    ) -> ast.ClassDef:
        """A model says what the schema says; one that the extended package has already is noted."""
        nodes = [node for node in selection_set.selections if isinstance(node, FieldNode)]
        texts = {_names.attribute(_schema.key(node)): self._description(node, operation_definition) for node in nodes}
        models.describe(class_def, texts)
        name = _name(operation_definition)
        if isinstance(operation_definition, FragmentDefinitionNode) and class_def.name == _names.class_name(name):
            type_ = self.schema.type_map[operation_definition.type_condition.name.value]
            models.documented(class_def, type_.description)
        if name in self._inherited:
            self._superfluous.add(class_def.name)
        return class_def

    def generate_fragments_module(
        self, module: ast.Module, fragments_definitions: Mapping[str, FragmentDefinitionNode]
    ) -> ast.Module:
        """Fragments are the public models: nested as themselves, imported if another package has them."""
        accept_newer_types(module, self._interfaces)
        models.remove(module, self._superfluous)
        models.collapse(module, keep=set(map(_names.class_name, fragments_definitions)))
        module.body[:0] = models.from_elsewhere(module, self._elsewhere)
        models.with_import(module, "base_model", ["of_any_class"])
        models.with_import(module, "pydantic", ["Field"], level=0)
        return self._finished("fragments", module)

    def generate_result_types_module(
        self, module: ast.Module, operation_definition: ExecutableDefinitionNode
    ) -> ast.Module:
        """Remembers the module; the operation itself joins it when its text is known."""
        accept_newer_types(module, self._interfaces)
        models.collapse(module, keep={_names.class_name(_name(operation_definition))})
        module.body[:0] = models.from_elsewhere(module, self._elsewhere)
        self._modules[_names.method(_name(operation_definition))] = module
        models.with_import(module, "base_model", ["of_any_class"])
        return models.with_import(module, "pydantic", ["Field"], level=0)

    def generate_operation_str(self, operation_str: str, operation_definition: ExecutableDefinitionNode) -> str:
        """Puts the operation beside its result."""
        # Read back, since the nodes that ariadne-codegen has added to its own (`__typename`) are not whole.
        definitions = parse(operation_str).definitions
        fragments = {node.name.value: node for node in definitions if isinstance(node, FragmentDefinitionNode)}
        operation = next(node for node in definitions if isinstance(node, OperationDefinitionNode))
        name = _name(operation_definition)
        types = stand_ins.own_names(_schema.loose_variables(self.schema, operation, self._atoms), self._real)
        fields = documents.Cutter(self.schema, fragments).root_fields(operation, types)
        probe = probe_document.text(self.schema, operation, fields)
        module = self._modules[_names.method(name)]
        client.add_operation(module, name, stand_ins.restored(operation, self._stand_ins), fields, probe)
        hidden_names.uncover(module, self._real)
        return operation_str

    # --- the client

    def generate_client_method(
        self, method_def: client.Function, operation_definition: OperationDefinitionNode
    ) -> client.Function:
        """A method hands its operation to the executor; all arguments but the first are keywords."""
        text = "\n".join(locations.comment_above(operation_definition)) or self._root_description(operation_definition)
        return client.method(method_def, operation_definition, text)

    def generate_client_module(self, module: ast.Module) -> ast.Module:
        """Models are imported when they are first needed."""
        return self._finished("", client.client_module(module, self._elsewhere))

    def generate_init_module(self, module: ast.Module) -> ast.Module:
        """Names are imported on first use, and type checkers report a misspelt one.

        Raises:
            CodegenError: A module needs a fragment that ariadne-codegen has left out.
        """
        if names := models.missing(self._modules, "fragments"):
            raise CodegenError(
                f"fragment {', '.join(names)}: spread beside `... on` of another type, and needed by itself too,"
                " which ariadne-codegen cannot do: write its fields there instead"
            )
        return client.init_module(module, self._modules, self._real)

    def copy_code(self, copied_code: str) -> str:
        """The base of all models is our own; ariadne-codegen has no setting for it."""
        if "class BaseModel(PydanticBaseModel)" not in copied_code:
            return copied_code
        header = copied_code.partition("\n")[0]
        return f"{header}\n\n" + (RUNTIME / "base_model.py").read_text(encoding="utf-8")

    def _finished(self, name: str, module: ast.Module) -> ast.Module:
        """A module in which no name hides another; those with a name are remembered."""
        hidden_names.uncover(module, self._real)
        if name:
            self._modules[name] = module
        return module

    # --- looking things up

    def _is_secret(self, node: FieldNode, definition: ExecutableDefinitionNode) -> bool:
        owner = self._owner(node, definition)
        if owner:
            return f"{owner}.{node.name.value}" in self._secret
        # A field of a fragment that was unpacked into this class: hidden if a secret has its name.
        return node.name.value in {coordinate.partition(".")[2] for coordinate in self._secret}

    def _description(self, node: FieldNode, definition: ExecutableDefinitionNode) -> str | None:
        """What the schema says of a selected field."""
        owner = self.schema.get_type(self._owner(node, definition))
        field = _schema.output_fields(owner).get(node.name.value) if owner else None
        return field.description if field else None

    def _owner(self, node: FieldNode, definition: ExecutableDefinitionNode) -> str:
        """The type that a selected field belongs to; empty when the definition does not hold the field itself."""
        if id(node) not in self._owners:
            self._owners |= {id(each): owner for owner, each in _schema.owned_fields(self.schema, definition)}
        return self._owners.get(id(node), "")

    def _root_description(self, operation: OperationDefinitionNode) -> str:
        fields = _schema.output_fields(self.schema.type_map[_schema.root_name(self.schema, operation)])
        names = [node.name.value for node in operation.selection_set.selections if isinstance(node, FieldNode)]
        return "\n".join(text for name in names if name in fields and (text := fields[name].description))


def _name(definition: ExecutableDefinitionNode) -> str:
    return definition.name.value if definition.name else ""
