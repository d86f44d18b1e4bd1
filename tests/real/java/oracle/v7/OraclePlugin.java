package startgate.oracle;

import java.io.IOException;
import java.util.List;
import java.util.function.Supplier;
import org.elasticsearch.client.node.NodeClient;
import org.elasticsearch.cluster.metadata.IndexNameExpressionResolver;
import org.elasticsearch.cluster.node.DiscoveryNodes;
import org.elasticsearch.common.settings.ClusterSettings;
import org.elasticsearch.common.settings.IndexScopedSettings;
import org.elasticsearch.common.settings.Settings;
import org.elasticsearch.common.settings.SettingsFilter;
import org.elasticsearch.plugins.ActionPlugin;
import org.elasticsearch.plugins.Plugin;
import org.elasticsearch.rest.BaseRestHandler;
import org.elasticsearch.rest.BytesRestResponse;
import org.elasticsearch.rest.RestController;
import org.elasticsearch.rest.RestHandler;
import org.elasticsearch.rest.RestRequest;
import org.elasticsearch.rest.RestResponse;
import org.elasticsearch.rest.RestStatus;
import org.elasticsearch.xcontent.XContentBuilder;

/** For 7.17: puts handlers on the very routes of the start API and of those that are observed, and tells what came. */
public final class OraclePlugin extends Plugin implements ActionPlugin {
  private final Sightings sightings = new Sightings();

  @Override
  public List<RestHandler> getRestHandlers(
      Settings settings,
      RestController controller,
      ClusterSettings clusterSettings,
      IndexScopedSettings indexScopedSettings,
      SettingsFilter settingsFilter,
      IndexNameExpressionResolver resolver,
      Supplier<DiscoveryNodes> nodes) {
    return List.of(
        new Answer("POST", "/_ml/data_frame/analytics/{id}/_start", sightings::saw, "start"),
        new Answer("PUT", "/_ml/data_frame/analytics/{id}", Sightings::echo, "put"),
        new Answer("POST", "/_ml/data_frame/analytics/{id}/_update", Sightings::echo, "update"),
        new Answer("POST", "/_ml/data_frame/analytics/{id}/_stop", Sightings::echo, "stop"),
        new Answer("DELETE", "/_ml/data_frame/analytics/{id}", Sightings::echo, "delete"),
        new Answer("GET", "/_oracle/echo/{id}", Sightings::echo, null),
        new Answer("POST", "/_oracle/echo/{id}", Sightings::echo, null),
        new Answer("DELETE", "/_oracle/echo/{id}", Sightings::echo, null),
        new Answer("GET", "/_oracle/count", request -> sightings.report(), null),
        new Answer("POST", "/_oracle/reset", request -> sightings.reset(), null));
  }

  private interface Body {
    XContentBuilder of(RestRequest request) throws IOException;
  }

  private static final class Answer extends BaseRestHandler {
    private final Route route;
    private final Body body;
    private final String mark;

    Answer(String method, String path, Body body, String mark) {
      this.route = new Route(RestRequest.Method.valueOf(method), path);
      this.body = body;
      this.mark = mark;
    }

    @Override
    public String getName() {
      return "startgate_oracle_" + route.getMethod() + route.getPath();
    }

    @Override
    public List<Route> routes() {
      return List.of(route);
    }

    @Override
    protected RestChannelConsumer prepareRequest(RestRequest request, NodeClient client) throws IOException {
      RestResponse response = new BytesRestResponse(RestStatus.OK, body.of(request));
      if (mark != null) {
        response.addHeader("X-Oracle", mark);
      }
      return channel -> channel.sendResponse(response);
    }
  }
}
