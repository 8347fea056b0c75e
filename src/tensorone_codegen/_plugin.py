"""The plugin of ariadne-codegen: turns its output into a leaf of models and operations.

What it changes, and why, is listed in docs/design.md; one test each in tests/codegen.
"""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Any

from ariadne_codegen.plugins.base import Plugin
from ariadne_codegen.utils import str_to_snake_case
from graphql import (
    FragmentDefinitionNode,
    GraphQLSchema,
    OperationDefinitionNode,
    OperationType,
    TypeInfo,
    TypeInfoVisitor,
    Visitor,
    get_named_type,
    is_enum_type,
    is_input_object_type,
    parse,
    visit,
)

from . import _code, _documents, _sources
from ._settings import RUNTIME

if TYPE_CHECKING:
    from collections.abc import Mapping

    from graphql import ExecutableDefinitionNode, FieldNode, GraphQLEnumType, GraphQLInputObjectType

Function = ast.FunctionDef | ast.AsyncFunctionDef


class SdkPlugin(Plugin):
    """One object for one run; ariadne-codegen calls its hooks in the order in which it builds the package."""

    def __init__(self, schema: GraphQLSchema, config_dict: dict[str, Any]) -> None:
        super().__init__(schema, config_dict)
        self._secret = frozenset(config_dict["tool"]["tensorone-codegen"]["secret"])
        self._open_enums = _enums_of_outputs(schema)
        self._owners: dict[int, str] = {}
        self._modules: dict[str, ast.Module] = {}
        self._results: dict[str, ast.Module] = {}

    # --- enums and inputs

    def generate_enum(self, class_def: ast.ClassDef, enum_type: GraphQLEnumType) -> ast.ClassDef:
        """An enum that answers hold takes values that are newer than this package."""
        if enum_type.name in self._open_enums:
            class_def.bases = [ast.Name("OpenEnum")]
        return _code.documented(class_def, enum_type.description)

    def generate_enums_module(self, module: ast.Module) -> ast.Module:
        """Imports what open enums stand on."""
        return _code.with_import(module, "open_enum", ["OpenEnum"])

    def generate_input_class(self, class_def: ast.ClassDef, input_type: GraphQLInputObjectType) -> ast.ClassDef:
        """An input refuses fields it does not know, and takes Python names as keywords."""
        class_def.bases = [ast.Name("InputModel")]
        names = {str_to_snake_case(name): name for name in input_type.fields}
        for field in _code.fields(class_def):
            _code.split_alias(field)
            if f"{input_type.name}.{names.get(_code.name_of(field).rstrip('_'))}" in self._secret:
                _code.hide(field)
        return class_def

    def generate_inputs_module(self, module: ast.Module) -> ast.Module:
        """Imports what inputs stand on."""
        _code.with_import(module, "base_model", ["InputModel"])
        return _code.with_import(module, "pydantic", ["Field"], level=0)

    # --- results

    def generate_result_field(
        self, field_implementation: ast.AnnAssign, operation_definition: ExecutableDefinitionNode, field: FieldNode
    ) -> ast.AnnAssign:
        """A field takes its Python name as keyword, and hides what is secret."""
        _code.split_alias(field_implementation)
        if self._coordinate(field, operation_definition) in self._secret:
            _code.hide(field_implementation)
        return field_implementation

    def generate_fragments_module(
        self, module: ast.Module, fragments_definitions: Mapping[str, FragmentDefinitionNode]
    ) -> ast.Module:
        """Fragments are the public models: documented, and nested as themselves."""
        _code.collapse(module)
        for class_def in _code.classes(module):
            if class_def.name in fragments_definitions:
                type_ = self.schema.type_map[fragments_definitions[class_def.name].type_condition.name.value]
                _code.documented(class_def, type_.description)
                _code.describe_fields(class_def, _descriptions(type_))
        self._modules["fragments"] = module
        return _code.with_import(module, "pydantic", ["Field"], level=0)

    def generate_result_types_module(
        self, module: ast.Module, operation_definition: ExecutableDefinitionNode
    ) -> ast.Module:
        """Remembers the module; the operation itself joins it when its text is known."""
        _code.collapse(module)
        _code.with_import(module, "pydantic", ["Field"], level=0)
        name = operation_definition.name
        if name:
            self._results[name.value] = module
            self._modules[str_to_snake_case(name.value)] = module
        return module

    def generate_operation_str(self, operation_str: str, operation_definition: ExecutableDefinitionNode) -> str:
        """Puts the operation beside its result."""
        if isinstance(operation_definition, OperationDefinitionNode) and operation_definition.name:
            name = operation_definition.name.value
            fragments = {
                node.name.value: node
                for node in parse(operation_str).definitions
                if isinstance(node, FragmentDefinitionNode)
            }
            fields = _documents.Cutter(self.schema, fragments).root_fields(operation_definition)
            _code.add_operation(self._results[name], operation_definition, fields)
        return operation_str

    # --- the client

    def generate_client_method(self, method_def: Function, operation_definition: OperationDefinitionNode) -> Function:
        """A method hands its operation to the executor; all arguments but the first are keywords."""
        name = operation_definition.name.value if operation_definition.name else ""
        text = "\n".join(_sources.comment_above(operation_definition)) or self._root_description(operation_definition)
        return _code.client_method(method_def, name, text)

    def generate_client_module(self, module: ast.Module) -> ast.Module:
        """Models are imported when they are first needed."""
        return _code.client_module(module)

    def generate_init_module(self, module: ast.Module) -> ast.Module:
        """Names are imported on first use, and a misspelt one is seen by type checkers."""
        return _code.init_module(module, self._modules)

    def copy_code(self, copied_code: str) -> str:
        """The base of all models is our own; ariadne-codegen has no setting for it."""
        if "class BaseModel(PydanticBaseModel)" in copied_code and "class InputModel" not in copied_code:
            header = copied_code.partition("\n")[0]
            return f"{header}\n\n" + (RUNTIME / "base_model.py").read_text(encoding="utf-8")
        return copied_code

    # --- looking things up

    def _coordinate(self, field: FieldNode, definition: ExecutableDefinitionNode) -> str:
        if id(field) not in self._owners:
            info = TypeInfo(self.schema)
            visit(definition, TypeInfoVisitor(info, _Owners(info, self._owners)))
        owner = self._owners.get(id(field))
        return f"{owner}.{field.name.value}" if owner else self._by_name(field.name.value)

    def _by_name(self, name: str) -> str:
        """A field from a fragment of elsewhere: hidden if a secret has its name."""
        return next((secret for secret in sorted(self._secret) if secret.partition(".")[2] == name), name)

    def _root_description(self, operation: OperationDefinitionNode) -> str:
        root = self.schema.get_root_type(operation.operation or OperationType.QUERY)
        names = [node.name.value for node in operation.selection_set.selections if hasattr(node, "alias")]
        fields = root.fields if root else {}
        return " ".join(text for name in names if name in fields and (text := fields[name].description))


class _Owners(Visitor):
    """Notes the type that each field of a definition belongs to."""

    def __init__(self, info: TypeInfo, owners: dict[int, str]) -> None:
        super().__init__()
        self._info = info
        self._owners = owners

    def enter_field(self, node: FieldNode, *_: object) -> None:
        parent = self._info.get_parent_type()
        if parent:
            self._owners[id(node)] = parent.name


def _descriptions(type_: Any) -> dict[str, str]:
    """What the schema says of each field, by its Python name."""
    return {str_to_snake_case(name): field.description for name, field in type_.fields.items() if field.description}


def _enums_of_outputs(schema: GraphQLSchema) -> set[str]:
    """The enums that an answer can hold."""
    return {
        get_named_type(field.type).name
        for type_ in schema.type_map.values()
        if not is_input_object_type(type_) and not is_enum_type(type_)
        for field in getattr(type_, "fields", {}).values()
        if is_enum_type(get_named_type(field.type))
    }
