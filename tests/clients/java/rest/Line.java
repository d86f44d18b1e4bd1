import co.elastic.clients.elasticsearch.ElasticsearchClient;
import co.elastic.clients.json.jackson.JacksonJsonpMapper;
import co.elastic.clients.transport.rest_client.RestClientTransport;
import org.apache.http.Header;
import org.apache.http.HttpHost;
import org.apache.http.message.BasicHeader;
import org.elasticsearch.client.RestClient;

/** What is of lines 7 and 8: their transport stands on Apache's HTTP client 4. */
class Line {
    static ElasticsearchClient connect(String url, String authorization, boolean compressed) {
        var builder = RestClient.builder(HttpHost.create(url)).setCompressionEnabled(compressed);
        if (authorization != null) {
            builder.setDefaultHeaders(new Header[] {new BasicHeader("Authorization", authorization)});
        }
        return new ElasticsearchClient(new RestClientTransport(builder.build(), new JacksonJsonpMapper()));
    }

    static String indices(ElasticsearchClient es, String index) throws Exception {
        var found = es.cat().indices(one -> one.index(index)).valueBody().get(0);
        return found.index() + " " + found.pri() + " " + found.docsCount();
    }
}
