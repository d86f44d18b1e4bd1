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

/** For 7.17: puts a handler on the very route of the start API and tells what the node's router gave it. */
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
        new Answer("POST", "/_ml/data_frame/analytics/{id}/_start", sightings::saw, true),
        new Answer("GET", "/_oracle/echo/{id}", Sightings::echo, false),
        new Answer("POST", "/_oracle/echo/{id}", Sightings::echo, false),
        new Answer("DELETE", "/_oracle/echo/{id}", Sightings::echo, false),
        new Answer("GET", "/_oracle/count", request -> sightings.report(), false),
        new Answer("POST", "/_oracle/reset", request -> sightings.reset(), false));
  }

  private interface Body {
    XContentBuilder of(RestRequest request) throws IOException;
  }

  private static final class Answer extends BaseRestHandler {
    private final Route route;
    private final Body body;
    private final boolean marked;

    Answer(String method, String path, Body body, boolean marked) {
      this.route = new Route(RestRequest.Method.valueOf(method), path);
      this.body = body;
      this.marked = marked;
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
      if (marked) {
        response.addHeader("X-Oracle", "start");
      }
      return channel -> channel.sendResponse(response);
    }
  }
}
