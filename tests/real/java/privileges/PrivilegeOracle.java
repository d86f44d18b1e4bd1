import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.lang.reflect.Field;
import java.nio.charset.StandardCharsets;
import java.util.Base64;
import java.util.Collection;
import java.util.LinkedHashSet;
import java.util.Map;
import java.util.Set;
import java.util.StringJoiner;
import java.util.TreeMap;
import org.apache.lucene.util.automaton.Automaton;
import org.apache.lucene.util.automaton.Operations;
import org.apache.lucene.util.automaton.Transition;
import org.elasticsearch.common.Strings;
import org.elasticsearch.common.settings.SecureString;
import org.elasticsearch.common.settings.Settings;
import org.elasticsearch.common.unit.ByteSizeValue;
import org.elasticsearch.xcontent.XContentParser;
import org.elasticsearch.xcontent.XContentParserConfiguration;
import org.elasticsearch.xcontent.yaml.YamlXContent;
import org.elasticsearch.xpack.core.ml.dataframe.DataFrameAnalyticsConfig;
import org.elasticsearch.xpack.core.security.authc.support.Hasher;
import org.elasticsearch.xpack.core.security.authz.RestrictedIndices;
import org.elasticsearch.xpack.core.security.authz.RoleDescriptor;
import org.elasticsearch.xpack.core.security.authz.permission.FieldPermissionsCache;
import org.elasticsearch.xpack.core.security.authz.permission.ResourcePrivilegesMap;
import org.elasticsearch.xpack.core.security.authz.permission.Role;
import org.elasticsearch.xpack.core.security.authz.privilege.ClusterPrivilegeResolver;
import org.elasticsearch.xpack.core.security.authz.privilege.IndexPrivilege;
import org.elasticsearch.xpack.core.security.authz.privilege.NamedClusterPrivilege;
import org.elasticsearch.xpack.core.security.authz.store.ReservedRolesStore;
import org.elasticsearch.xpack.core.security.support.Automatons;
import org.elasticsearch.xpack.core.security.support.Validation;

/**
 * Answers questions about privileges with Elasticsearch's own classes, one line each.
 *
 * <p>A question is a word and its arguments in base64, separated by blanks; lists are joined by line feeds. The answer is
 * {@code ok} or {@code no}, and a text in base64. An automaton is written as its accepting states, and its transitions as
 * {@code from,lowest,highest,to}, after it was made deterministic; it begins in state 0.
 */
public final class PrivilegeOracle {
  private static final int MOST_STATES = 100_000;
  private static Automaton restricted = Automatons.EMPTY;

  private PrivilegeOracle() {}

  public static void main(String[] arguments) throws Exception {
    // Loggers must be bound before any class of the server logs.
    Class.forName("org.elasticsearch.common.logging.LogConfigurator").getMethod("configureESLogging").invoke(null);
    new ReservedRolesStore();
    BufferedReader questions = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.US_ASCII));
    for (String line = questions.readLine(); line != null; line = questions.readLine()) {
      String answer;
      try {
        answer = "ok " + encoded(answer(line.split(" ", -1)));
      } catch (Exception | StackOverflowError refusal) {
        answer = "no " + encoded(String.valueOf(refusal.getMessage()));
      }
      System.out.println(answer);
      System.out.flush();
    }
  }

  private static SecureString secret(String word) {
    return new SecureString(decoded(word).toCharArray());
  }

  private static String answer(String[] words) throws Exception {
    switch (words[0]) {
      case "cluster-names":
        return String.join("\n", ClusterPrivilegeResolver.names());
      case "index-names":
        return String.join("\n", IndexPrivilege.names());
      case "cluster-actions":
        return text(actions(ClusterPrivilegeResolver.resolve(decoded(words[1]))));
      case "index-actions":
        return text(IndexPrivilege.getNamedOrNull(decoded(words[1])).getAutomaton());
      case "patterns":
        return text(Automatons.patterns(listed(words[1])));
      case "hash":
        return new String(Hasher.resolve(decoded(words[1])).hash(secret(words[2])));
      case "verify":
        return String.valueOf(Hasher.verifyHash(secret(words[1]), decoded(words[2]).toCharArray()));
      case "size":
        return String.valueOf(ByteSizeValue.parseBytesSizeValue(decoded(words[1]), "size").getBytes());
      case "written":
        return ByteSizeValue.ofBytes(Long.parseLong(decoded(words[1]))).getStringRep();
      case "memory-default":
        return DataFrameAnalyticsConfig.DEFAULT_MODEL_MEMORY_LIMIT.getStringRep();
      case "roles":
        return roles();
      case "role-name":
        return String.valueOf(Validation.Roles.validateRoleName(decoded(words[1]), false));
      case "role-file":
        return Strings.toString(roleOf(decoded(words[1])));
      case "restricted":
        restricted = Automatons.patterns(listed(words[1]));
        return "";
      case "held":
        return held(roleOf(decoded(words[1])), listed(words[2]), listed(words[3]), decoded(words[4]).equals("true"));
      case "cluster-held":
        return String.valueOf(role(roleOf(decoded(words[1]))).grants(ClusterPrivilegeResolver.resolve(decoded(words[2]))));
      default:
        throw new IllegalArgumentException("no question: " + words[0]);
    }
  }

  /** What a cluster privilege lets pass whatever the request; its patterns are private to it. */
  private static Automaton actions(NamedClusterPrivilege privilege) throws ReflectiveOperationException {
    try {
      Automaton allowed = Automatons.patterns(patterns(privilege, "allowedActionPatterns"));
      return Automatons.minusAndMinimize(allowed, Automatons.patterns(patterns(privilege, "excludedActionPatterns")));
    } catch (NoSuchFieldException onConditional) {
      return Automatons.EMPTY;
    }
  }

  @SuppressWarnings("unchecked")
  private static Collection<String> patterns(Object privilege, String name) throws ReflectiveOperationException {
    Field field = privilege.getClass().getDeclaredField(name);
    field.setAccessible(true);
    return (Collection<String>) field.get(privilege);
  }

  private static String roles() {
    Map<String, String> found = new TreeMap<>();
    for (RoleDescriptor role : ReservedRolesStore.roleDescriptors()) {
      found.put(role.getName(), Strings.toString(role));
    }
    StringJoiner entries = new StringJoiner(",", "{", "}");
    found.forEach((name, body) -> entries.add('"' + name + "\":" + body));
    return entries.toString();
  }

  /** The first role of a role file, read as `FileRolesStore` reads it. */
  private static RoleDescriptor roleOf(String file) throws Exception {
    try (XContentParser parser = YamlXContent.yamlXContent.createParser(XContentParserConfiguration.EMPTY, file)) {
      if (parser.nextToken() != XContentParser.Token.START_OBJECT
          || parser.nextToken() != XContentParser.Token.FIELD_NAME) {
        throw new IllegalArgumentException("no role");
      }
      String name = parser.currentName();
      if (parser.nextToken() != XContentParser.Token.START_OBJECT) {
        throw new IllegalArgumentException("no role");
      }
      return RoleDescriptor.parserBuilder().allow2xFormat(true).allowDescription(true).build().parse(name, parser);
    }
  }

  private static Role role(RoleDescriptor descriptor) {
    FieldPermissionsCache cache = new FieldPermissionsCache(Settings.EMPTY);
    return Role.buildFromRoleDescriptor(descriptor, cache, new RestrictedIndices(restricted));
  }

  private static String held(RoleDescriptor descriptor, Set<String> names, Set<String> privileges, boolean all) {
    ResourcePrivilegesMap.Builder answers = ResourcePrivilegesMap.builder();
    role(descriptor).checkIndicesPrivileges(names, all, privileges, answers);
    StringJoiner lines = new StringJoiner("\n");
    answers
        .build()
        .getResourceToResourcePrivileges()
        .forEach((name, held) -> held.getPrivileges().forEach((one, yes) -> lines.add(name + "\t" + one + "\t" + yes)));
    return lines.toString();
  }

  private static String text(Automaton automaton) {
    Automaton plain = Operations.determinize(automaton, MOST_STATES);
    StringJoiner accepting = new StringJoiner(",");
    StringJoiner transitions = new StringJoiner(";");
    Transition next = new Transition();
    for (int state = 0; state < plain.getNumStates(); state++) {
      if (plain.isAccept(state)) {
        accepting.add(String.valueOf(state));
      }
      int count = plain.initTransition(state, next);
      for (int at = 0; at < count; at++) {
        plain.getNextTransition(next);
        transitions.add(state + "," + next.min + "," + next.max + "," + next.dest);
      }
    }
    return accepting + "\n" + transitions;
  }

  private static Set<String> listed(String word) {
    return new LinkedHashSet<>(Set.of(decoded(word).split("\n", -1)));
  }

  private static String decoded(String word) {
    return new String(Base64.getDecoder().decode(word), StandardCharsets.UTF_8);
  }

  private static String encoded(String text) {
    return Base64.getEncoder().encodeToString(text.getBytes(StandardCharsets.UTF_8));
  }
}
