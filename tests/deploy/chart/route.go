package main

import (
	"errors"
	"fmt"
	"regexp"
	"slices"

	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/validation"
)

// An HTTPRoute as Gateway API v1 defines it (the standard channel of 1.2.0), as far as a route that only matches, takes
// headers out and hands on has need of it: whatever else it may hold is unknown here, and so a fault.
// The module with the genuine types is not among those that Helm brings.
var routeKind = schema.GroupVersionKind{Group: "gateway.networking.k8s.io", Version: "v1", Kind: "HTTPRoute"}

type httpRoute struct {
	meta.TypeMeta   `json:",inline"`
	meta.ObjectMeta `json:"metadata,omitempty"`
	Spec            routeSpec `json:"spec"`
}

type routeSpec struct {
	ParentRefs []parentRef `json:"parentRefs,omitempty"`
	Hostnames  []string    `json:"hostnames,omitempty"`
	Rules      []routeRule `json:"rules,omitempty"`
}

type parentRef struct {
	Group       *string `json:"group,omitempty"`
	Kind        *string `json:"kind,omitempty"`
	Namespace   *string `json:"namespace,omitempty"`
	Name        string  `json:"name"`
	SectionName *string `json:"sectionName,omitempty"`
	Port        *int32  `json:"port,omitempty"`
}

type routeRule struct {
	Matches     []routeMatch  `json:"matches,omitempty"`
	Filters     []routeFilter `json:"filters,omitempty"`
	BackendRefs []backendRef  `json:"backendRefs,omitempty"`
	Timeouts    routeTimeouts `json:"timeouts,omitempty"`
}

type routeMatch struct {
	Path    typedValue   `json:"path,omitempty"`
	Headers []namedValue `json:"headers,omitempty"`
}

type typedValue struct {
	Type  string `json:"type,omitempty"`
	Value string `json:"value,omitempty"`
}

type namedValue struct {
	Type  string `json:"type,omitempty"`
	Name  string `json:"name"`
	Value string `json:"value"`
}

type routeFilter struct {
	Type                  string        `json:"type"`
	RequestHeaderModifier *headerFilter `json:"requestHeaderModifier,omitempty"`
}

type headerFilter struct {
	Set    []header `json:"set,omitempty"`
	Add    []header `json:"add,omitempty"`
	Remove []string `json:"remove,omitempty"`
}

type header struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

type backendRef struct {
	Group     *string `json:"group,omitempty"`
	Kind      *string `json:"kind,omitempty"`
	Name      string  `json:"name"`
	Namespace *string `json:"namespace,omitempty"`
	Port      *int32  `json:"port,omitempty"`
	Weight    *int32  `json:"weight,omitempty"`
}

type routeTimeouts struct {
	Request        string `json:"request,omitempty"`
	BackendRequest string `json:"backendRequest,omitempty"`
}

// DeepCopyObject is asked for by the decoder; nothing here changes what it has read.
func (route *httpRoute) DeepCopyObject() runtime.Object {
	copied := *route
	return &copied
}

// The limits of the definition, by the names that it gives them.
const (
	maxItems     = 16
	maxPathValue = 1024
)

var (
	routeDuration = regexp.MustCompile(`^([0-9]{1,5}(h|m|s|ms)){1,4}$`)
	headerName    = regexp.MustCompile("^[A-Za-z0-9!#$%&'*+\\-.^_\x60|~]+$")
)

func soundRoute(route *httpRoute) error {
	var found []error
	for _, parent := range route.Spec.ParentRefs {
		found = append(found, within("parentRefs.name", len(parent.Name), 253))
	}
	for _, host := range route.Spec.Hostnames {
		found = append(found, faults("hostnames", hostFaults(host)))
	}
	found = append(found, within("rules", len(route.Spec.Rules), maxItems))
	for _, rule := range route.Spec.Rules {
		found = append(found, soundRule(rule))
	}
	return errors.Join(found...)
}

func soundRule(rule routeRule) error {
	found := []error{within("backendRefs", len(rule.BackendRefs), maxItems)}
	for _, match := range rule.Matches {
		found = append(found, oneOf("path.type", match.Path.Type, "Exact", "PathPrefix", "RegularExpression"))
		found = append(found, within("path.value", len(match.Path.Value), maxPathValue))
		for _, one := range match.Headers {
			found = append(found, oneOf("headers.type", one.Type, "Exact", "RegularExpression"))
			found = append(found, like("headers.name", one.Name, headerName), within("headers.value", len(one.Value), 4096))
		}
	}
	for _, filter := range rule.Filters {
		found = append(found, soundFilter(filter))
	}
	for _, backend := range rule.BackendRefs {
		found = append(found, within("backendRefs.name", len(backend.Name), 253))
		if backend.Port == nil {
			found = append(found, errors.New("backendRefs.port is needed for a Service"))
			continue
		}
		found = append(found, faults("backendRefs.port", validation.IsValidPortNum(int(*backend.Port))))
	}
	for _, text := range []string{rule.Timeouts.Request, rule.Timeouts.BackendRequest} {
		if text != "" {
			found = append(found, like("timeouts", text, routeDuration))
		}
	}
	return errors.Join(found...)
}

func soundFilter(filter routeFilter) error {
	if err := oneOf("filters.type", filter.Type, "RequestHeaderModifier"); err != nil {
		return err
	}
	if filter.RequestHeaderModifier == nil {
		return errors.New("filters.requestHeaderModifier is needed")
	}
	return within("filters.requestHeaderModifier.remove", len(filter.RequestHeaderModifier.Remove), maxItems)
}

func within(at string, size, most int) error {
	if size < 1 || size > most {
		return fmt.Errorf("%s: must be 1 to %d long, and is %d", at, most, size)
	}
	return nil
}

func oneOf(at, text string, known ...string) error {
	if !slices.Contains(known, text) {
		return fmt.Errorf("%s: %q is none of %v", at, text, known)
	}
	return nil
}

func like(at, text string, shape *regexp.Regexp) error {
	if !shape.MatchString(text) {
		return fmt.Errorf("%s: %q does not match %s", at, text, shape)
	}
	return nil
}
