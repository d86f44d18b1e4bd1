// Lints and renders the chart as Helm does, for each file of values, and reads what comes out as the API server would:
// each object strictly into its type. Reads cases from standard input as JSON, and prints what came of each.
package main

import (
	"encoding/json"
	"fmt"
	"os"
	"strings"

	monitoring "github.com/prometheus-operator/prometheus-operator/pkg/apis/monitoring/v1"
	"helm.sh/helm/v3/pkg/chart"
	"helm.sh/helm/v3/pkg/chart/loader"
	"helm.sh/helm/v3/pkg/chartutil"
	"helm.sh/helm/v3/pkg/engine"
	"helm.sh/helm/v3/pkg/lint"
	"helm.sh/helm/v3/pkg/lint/support"
	"helm.sh/helm/v3/pkg/releaseutil"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	"k8s.io/client-go/kubernetes/scheme"
	"sigs.k8s.io/yaml"
)

// Kinds that are of no use here would be a fault of the chart, too: none of them is known.
type outcome struct {
	Objects []json.RawMessage `json:"objects"`
	Notes   string            `json:"notes"`
	Faults  []string          `json:"faults"`
}

func main() {
	folder := os.Args[1]
	var cases map[string]string
	if err := json.NewDecoder(os.Stdin).Decode(&cases); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	if err := monitoring.AddToScheme(scheme.Scheme); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	made := map[string]outcome{}
	for name, values := range cases {
		made[name] = try(folder, values)
	}
	json.NewEncoder(os.Stdout).Encode(made)
}

func try(folder, text string) outcome {
	found := outcome{Objects: []json.RawMessage{}, Faults: []string{}}
	values, err := chartutil.ReadValues([]byte(text))
	if err != nil {
		return failed(found, err)
	}
	// Anew for each case: rendering changes a chart's values.
	loaded, err := loader.Load(folder)
	if err != nil {
		return failed(found, err)
	}
	version, err := chartutil.ParseKubeVersion("1.32.0")
	if err != nil {
		return failed(found, err)
	}
	for _, message := range lint.AllWithKubeVersion(folder, values, "search", version).Messages {
		if message.Severity > support.InfoSev {
			found.Faults = append(found.Faults, "lint: "+message.Error())
		}
	}
	texts, err := render(loaded, values, version)
	if err != nil {
		return failed(found, err)
	}
	for path, text := range texts {
		if strings.HasSuffix(path, "NOTES.txt") {
			found.Notes = text
			continue
		}
		for _, one := range releaseutil.SplitManifests(text) {
			object, err := read(one)
			if err != nil {
				found.Faults = append(found.Faults, path+": "+err.Error())
				continue
			}
			found.Objects = append(found.Objects, object)
		}
	}
	return found
}

func failed(found outcome, err error) outcome {
	found.Faults = append(found.Faults, err.Error())
	return found
}

func render(loaded *chart.Chart, values chartutil.Values, version *chartutil.KubeVersion) (map[string]string, error) {
	capabilities := chartutil.DefaultCapabilities.Copy()
	capabilities.KubeVersion = *version
	release := chartutil.ReleaseOptions{Name: "one", Namespace: "search", Revision: 1, IsInstall: true}
	all, err := chartutil.ToRenderValues(loaded, values, release, capabilities)
	if err != nil {
		return nil, err
	}
	return engine.Render(loaded, all)
}

// An object as JSON, after it was read strictly: an unknown field, one that comes twice and a wrong type are errors.
func read(text string) (json.RawMessage, error) {
	object, err := yaml.YAMLToJSONStrict([]byte(text))
	if err != nil {
		return nil, err
	}
	codecs := serializer.NewCodecFactory(scheme.Scheme, serializer.EnableStrict)
	if _, _, err := codecs.UniversalDeserializer().Decode(object, nil, nil); err != nil {
		return nil, err
	}
	return object, nil
}
