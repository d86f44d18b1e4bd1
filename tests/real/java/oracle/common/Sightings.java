package startgate.oracle;

import java.io.IOException;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.elasticsearch.common.bytes.BytesReference;
import org.elasticsearch.rest.RestRequest;
import org.elasticsearch.xcontent.XContentBuilder;
import org.elasticsearch.xcontent.json.JsonXContent;

/**
 * What reached the start handler of this node: a counter, the newest few requests, and an echo of each.
 *
 * <p>Bound by: only the newest {@link #KEPT} targets are remembered, so that a long run holds memory flat.
 */
final class Sightings {
  private static final int KEPT = 64;

  private final Deque<String> targets = new ArrayDeque<>();
  private long count;

  /** Counts a request that the router gave to the start handler, and describes it. */
  synchronized XContentBuilder saw(RestRequest request) throws IOException {
    count++;
    targets.addLast(request.getHttpRequest().uri());
    if (targets.size() > KEPT) {
      targets.removeFirst();
    }
    return echo(request);
  }

  /** Describes a request as its handler sees it; also answers {@code /_oracle/echo}, which nothing counts. */
  static XContentBuilder echo(RestRequest request) throws IOException {
    // Every parameter is read: the genuine handler refuses unknown ones, but only after the router chose it.
    Map<String, String> parameters = new TreeMap<>(request.params());
    parameters.keySet().forEach(request::param);
    XContentBuilder echo = JsonXContent.contentBuilder().startObject();
    echo.field("id", request.param("id")).field("method", request.method().name());
    echo.field("uri", request.getHttpRequest().uri()).field("path", request.rawPath());
    echo.startObject("parameters");
    for (Map.Entry<String, String> parameter : parameters.entrySet()) {
      echo.field(parameter.getKey(), parameter.getValue());
    }
    echo.endObject().startObject("headers");
    for (Map.Entry<String, List<String>> header : new TreeMap<>(request.getHeaders()).entrySet()) {
      echo.array(header.getKey(), header.getValue().toArray(new String[0]));
    }
    echo.endObject().field("body", body(request).utf8ToString());
    return echo.endObject();
  }

  /** The body, by reflection: 9.x returns a subtype, so a call compiled against 8.x would not link. */
  private static BytesReference body(RestRequest request) {
    try {
      return (BytesReference) RestRequest.class.getMethod("content").invoke(request);
    } catch (ReflectiveOperationException failure) {
      throw new IllegalStateException(failure);
    }
  }

  /** How many requests reached the handler since the last reset, and the targets of the newest. */
  synchronized XContentBuilder report() throws IOException {
    XContentBuilder report = JsonXContent.contentBuilder().startObject().field("count", count);
    return report.array("targets", targets.toArray(new String[0])).endObject();
  }

  /** Forgets everything seen so far. */
  synchronized XContentBuilder reset() throws IOException {
    count = 0;
    targets.clear();
    return report();
  }
}
