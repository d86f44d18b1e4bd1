package main

import (
	"fmt"
	"strings"

	"helm.sh/helm/v3/pkg/chart"
	"helm.sh/helm/v3/pkg/chart/loader"
	"helm.sh/helm/v3/pkg/chartutil"
	"helm.sh/helm/v3/pkg/engine"
	"helm.sh/helm/v3/pkg/lint"
	"helm.sh/helm/v3/pkg/lint/support"
)

func try(found outcome, folder, text string, version *chartutil.KubeVersion) outcome {
	values, err := chartutil.ReadValues([]byte(text))
	if err != nil {
		return failed(found, err)
	}
	for _, message := range lint.AllWithKubeVersion(folder, values, "search", version).Messages {
		if message.Severity > support.InfoSev {
			found.Faults = append(found.Faults, "lint: "+message.Error())
		}
	}
	// Anew for each case: rendering changes a chart's values.
	loaded, err := loader.Load(folder)
	if err != nil {
		return failed(found, err)
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
		found = found.with(path, text, version)
	}
	return found
}

func render(loaded *chart.Chart, values chartutil.Values, version *chartutil.KubeVersion) (map[string]string, error) {
	// The engine itself does not look at this; `helm install` does.
	wanted := loaded.Metadata.KubeVersion
	if wanted != "" && !chartutil.IsCompatibleRange(wanted, version.String()) {
		return nil, fmt.Errorf("chart requires kubeVersion: %s, and it is %s", wanted, version)
	}
	capabilities := chartutil.DefaultCapabilities.Copy()
	capabilities.KubeVersion = *version
	release := chartutil.ReleaseOptions{Name: "one", Namespace: "search", Revision: 1, IsInstall: true}
	all, err := chartutil.ToRenderValues(loaded, values, release, capabilities)
	if err != nil {
		return nil, err
	}
	return engine.Render(loaded, all)
}
