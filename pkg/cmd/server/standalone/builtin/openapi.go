// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package builtin

import (
	"fmt"
	"reflect"
	"strings"

	"k8s.io/kube-openapi/pkg/common"
	"k8s.io/kube-openapi/pkg/validation/spec"
)

// model is a type that has its own definition in OpenAPI documents.
type model interface{ OpenAPIModelName() string }

// documented is a type that has descriptions of its fields. The field name "" has the description of the type itself.
type documented interface{ SwaggerDoc() map[string]string }

// definitions returns the OpenAPI definitions of the built-in kinds. Only kube-apiserver has generated definitions, and
// those are for all Kubernetes kinds. So definitions makes the few that it needs from the Go types and their
// descriptions.
func definitions(ref common.ReferenceCallback) map[string]common.OpenAPIDefinition {
	d := definer{ref: ref, made: map[string]common.OpenAPIDefinition{}}
	for _, objects := range kinds {
		for _, object := range objects {
			d.schemaOf(reflect.TypeOf(object).Elem())
		}
	}
	return d.made
}

// definer makes the definitions of types and of the types of their fields.
type definer struct {
	ref  common.ReferenceCallback
	made map[string]common.OpenAPIDefinition
}

// schemaOf returns the schema for values of a type, and the models that the schema refers to.
func (d definer) schemaOf(t reflect.Type) (schema spec.Schema, models []string) {
	switch t.Kind() {
	case reflect.Pointer:
		return d.schemaOf(t.Elem())
	case reflect.String:
		return *spec.StringProperty(), nil
	case reflect.Bool:
		return *spec.BooleanProperty(), nil
	case reflect.Slice:
		items, models := d.schemaOf(t.Elem())
		return *spec.ArrayProperty(&items), models
	case reflect.Map:
		values, models := d.schemaOf(t.Elem())
		return *spec.MapProperty(&values), models
	case reflect.Struct:
		if model, ok := reflect.Zero(t).Interface().(model); ok {
			name := model.OpenAPIModelName()
			d.define(name, t)
			return spec.Schema{SchemaProps: spec.SchemaProps{Ref: d.ref(name)}}, []string{name}
		}
	}
	panic(fmt.Sprintf("there is no OpenAPI schema for %s", t))
}

// define makes the definition of a type in k8s.io/api. Types in other packages have generated definitions.
func (d definer) define(name string, t reflect.Type) {
	if _, done := d.made[name]; done || !strings.HasPrefix(t.PkgPath(), "k8s.io/api/") {
		return
	}
	definition := common.OpenAPIDefinition{Schema: spec.Schema{SchemaProps: spec.SchemaProps{
		Description: descriptions(t)[""], Type: []string{"object"}, Properties: map[string]spec.Schema{},
	}}}
	d.addFields(&definition, t)
	d.made[name] = definition
}

func (d definer) addFields(definition *common.OpenAPIDefinition, t reflect.Type) {
	described := descriptions(t)
	for field := range t.Fields() {
		name, options, _ := strings.Cut(field.Tag.Get("json"), ",")
		if name == "" {
			d.addFields(definition, field.Type) // inlined
			continue
		}
		schema, models := d.schemaOf(field.Type)
		schema.Description = described[name]
		definition.Schema.Properties[name] = schema
		definition.Dependencies = append(definition.Dependencies, models...)
		if !strings.Contains(options, "omit") {
			definition.Schema.Required = append(definition.Schema.Required, name)
		}
	}
}

func descriptions(t reflect.Type) map[string]string {
	if documented, ok := reflect.Zero(t).Interface().(documented); ok {
		return documented.SwaggerDoc()
	}
	return nil
}
