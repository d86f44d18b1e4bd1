package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"helm.sh/helm/v3/pkg/chartutil"
	core "k8s.io/api/core/v1"
	networking "k8s.io/api/networking/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	names "k8s.io/apimachinery/pkg/api/validation"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	"k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/apiserver/pkg/endpoints/deprecation"
	"k8s.io/client-go/kubernetes/scheme"
	"sigs.k8s.io/yaml"
)

// An object as JSON, after it was read strictly: an unknown field, one that comes twice and a wrong type are errors. So
// is a kind that this version does not serve, or says farewell to.
func read(text string, version *chartutil.KubeVersion) (json.RawMessage, error) {
	raw, err := yaml.YAMLToJSONStrict([]byte(text))
	if err != nil {
		return nil, err
	}
	codecs := serializer.NewCodecFactory(scheme.Scheme, serializer.EnableStrict)
	object, _, err := codecs.UniversalDeserializer().Decode(raw, nil, nil)
	if err != nil {
		return nil, err
	}
	if err := errors.Join(served(object, version), named(object), sound(object)); err != nil {
		return nil, err
	}
	return raw, nil
}

func served(object runtime.Object, version *chartutil.KubeVersion) error {
	major, err := strconv.Atoi(version.Major)
	if err != nil {
		return err
	}
	minor, err := strconv.Atoi(version.Minor)
	if err != nil {
		return err
	}
	if deprecation.IsDeprecated(object, major, minor) {
		return errors.New(deprecation.WarningMessage(object))
	}
	since, known := object.(interface{ APILifecycleIntroduced() (int, int) })
	if !known {
		return nil
	}
	if from, first := since.APILifecycleIntroduced(); from > major || from == major && first > minor {
		return fmt.Errorf("%s is served from %d.%d on", object.GetObjectKind().GroupVersionKind(), from, first)
	}
	return nil
}

// Names are strings to the types; the API server asks for more.
func named(object runtime.Object) error {
	about, err := meta.Accessor(object)
	if err != nil {
		return err
	}
	check := names.NameIsDNSSubdomain
	if _, is := object.(*core.Service); is {
		check = names.NameIsDNS1035Label
	}
	wrong := faults("metadata.name", check(about.GetName(), false))
	// What belongs to the whole cluster has none.
	if namespace := about.GetNamespace(); namespace != "" {
		wrong = errors.Join(wrong, faults("metadata.namespace", names.ValidateNamespaceName(namespace, false)))
	}
	return wrong
}

func faults(at string, told []string) error {
	if len(told) == 0 {
		return nil
	}
	return fmt.Errorf("%s: %s", at, strings.Join(told, "; "))
}

// What the API server asks of the values in what `startgate export` makes.
func sound(object runtime.Object) error {
	switch one := object.(type) {
	case *networking.Ingress:
		return soundIngress(one)
	case *httpRoute:
		return soundRoute(one)
	}
	return nil
}

func soundIngress(one *networking.Ingress) error {
	var found []error
	for _, rule := range one.Spec.Rules {
		found = append(found, faults("host", hostFaults(rule.Host)))
		if rule.HTTP == nil {
			continue
		}
		for _, path := range rule.HTTP.Paths {
			found = append(found, soundPath(path))
		}
	}
	return errors.Join(found...)
}

func hostFaults(host string) []string {
	if host == "" {
		return nil
	}
	if strings.HasPrefix(host, "*") {
		return validation.IsWildcardDNS1123Subdomain(host)
	}
	return validation.IsDNS1123Subdomain(host)
}

func soundPath(path networking.HTTPIngressPath) error {
	if path.PathType == nil {
		return errors.New("pathType is needed")
	}
	switch *path.PathType {
	case networking.PathTypeExact, networking.PathTypePrefix, networking.PathTypeImplementationSpecific:
	default:
		return fmt.Errorf("pathType: %s is none", *path.PathType)
	}
	if !strings.HasPrefix(path.Path, "/") {
		return fmt.Errorf("path: %q does not begin with /", path.Path)
	}
	service := path.Backend.Service
	if service == nil {
		return errors.New("backend.service is needed")
	}
	return errors.Join(
		faults("backend.service.name", names.NameIsDNS1035Label(service.Name, false)),
		faults("backend.service.port", validation.IsValidPortNum(int(service.Port.Number))),
	)
}
