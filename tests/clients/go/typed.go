// A start by the typed API, which lines 8 and later have.
package main

import (
	"context"
	"errors"

	elasticsearch "github.com/elastic/go-elasticsearch/v8"
	"github.com/elastic/go-elasticsearch/v8/typedapi/types"
)

func start(place, who, secret, id string) any {
	es, fault := elasticsearch.NewTypedClient(config(place, who, secret))
	must(fault)
	started, fault := es.Ml.StartDataFrameAnalytics(id).Timeout("20s").Do(context.Background())
	var failure *types.ElasticsearchError
	if errors.As(fault, &failure) {
		return object{
			"raised": "ElasticsearchError", "status": failure.Status, "type": failure.ErrorCause.Type, "reason": failure.ErrorCause.Reason,
		}
	}
	must(fault)
	return object{"acknowledged": started.Acknowledged, "node": started.Node}
}
