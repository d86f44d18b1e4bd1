import co.elastic.clients.elasticsearch.ElasticsearchClient;
import co.elastic.clients.json.jackson.JacksonJsonpMapper;
import co.elastic.clients.transport.rest5_client.Rest5ClientTransport;
import co.elastic.clients.transport.rest5_client.low_level.Rest5Client;
import java.net.URI;
import org.apache.hc.core5.http.Header;
import org.apache.hc.core5.http.message.BasicHeader;

/** What is of line 9: its transport stands on Apache's HTTP client 5. */
class Line {
    static ElasticsearchClient connect(String url, String authorization, boolean compressed) {
        var builder = Rest5Client.builder(URI.create(url)).setCompressionEnabled(compressed);
        if (authorization != null) {
            builder.setDefaultHeaders(new Header[] {new BasicHeader("Authorization", authorization)});
        }
        return new ElasticsearchClient(new Rest5ClientTransport(builder.build(), new JacksonJsonpMapper()));
    }

    static String indices(ElasticsearchClient es, String index) throws Exception {
        var found = es.cat().indices(one -> one.index(index)).indices().get(0);
        return found.index() + " " + found.pri() + " " + found.docsCount();
    }
}
