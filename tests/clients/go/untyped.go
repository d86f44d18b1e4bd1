// A start by line 7, which has no typed API.
package main

func start(place, who, secret, id string) any {
	return told(connect(place, who, secret).ML.StartDataFrameAnalytics(id))
}
