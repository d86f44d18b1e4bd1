// Lints and renders charts as Helm does, and reads what comes out, and other manifests, as the API server would: each
// object strictly into its type. Reads questions from standard input as JSON, and prints what came of each.
package main

import (
	"encoding/json"
	"fmt"
	"os"

	monitoring "github.com/prometheus-operator/prometheus-operator/pkg/apis/monitoring/v1"
	"helm.sh/helm/v3/pkg/chartutil"
	"helm.sh/helm/v3/pkg/releaseutil"
	"k8s.io/client-go/kubernetes/scheme"
)

// A chart's folder with the text of its values, or the text of a manifest; and the version of Kubernetes it is for.
type question struct {
	Chart    string `json:"chart"`
	Values   string `json:"values"`
	Manifest string `json:"manifest"`
	Version  string `json:"version"`
}

// Kinds that are of no use here would be a fault, too: none of them is known.
type outcome struct {
	Objects []json.RawMessage `json:"objects"`
	Notes   string            `json:"notes"`
	Faults  []string          `json:"faults"`
}

func main() {
	var questions map[string]question
	if err := json.NewDecoder(os.Stdin).Decode(&questions); err != nil {
		stop(err)
	}
	if err := monitoring.AddToScheme(scheme.Scheme); err != nil {
		stop(err)
	}
	scheme.Scheme.AddKnownTypeWithName(routeKind, &httpRoute{})
	made := map[string]outcome{}
	for name, one := range questions {
		made[name] = answer(one)
	}
	if err := json.NewEncoder(os.Stdout).Encode(made); err != nil {
		stop(err)
	}
}

func stop(err error) {
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}

func answer(one question) outcome {
	found := outcome{Objects: []json.RawMessage{}, Faults: []string{}}
	version, err := chartutil.ParseKubeVersion(one.Version)
	if err != nil {
		return failed(found, err)
	}
	if one.Chart != "" {
		return try(found, one.Chart, one.Values, version)
	}
	return found.with("manifest", one.Manifest, version)
}

func failed(found outcome, err error) outcome {
	found.Faults = append(found.Faults, err.Error())
	return found
}

// The objects of a text, of which there can be several, and what is wrong with them.
func (found outcome) with(path, text string, version *chartutil.KubeVersion) outcome {
	for _, one := range releaseutil.SplitManifests(text) {
		object, err := read(one, version)
		if err != nil {
			found.Faults = append(found.Faults, path+": "+err.Error())
			continue
		}
		found.Objects = append(found.Objects, object)
	}
	return found
}
