import java.io.IOException;
import java.lang.reflect.Constructor;
import java.nio.file.Path;
import java.util.Map;
import java.util.Set;
import org.elasticsearch.common.settings.Settings;
import org.elasticsearch.env.Environment;
import org.elasticsearch.node.InternalSettingsPreparer;
import org.elasticsearch.node.Node;

/**
 * Starts one genuine Elasticsearch node in this process and stops it when standard input ends.
 *
 * <p>Arguments: the node's home folder, then settings as {@code key=value}. Prints the line {@code ready} once the node has
 * elected itself. Standard input is a pipe that the parent holds open: when the parent dies, however it dies, the pipe ends
 * and so does the node. What differs between major versions is reached by reflection, so that one class file serves all.
 */
public final class StartNode {
  private StartNode() {}

  public static void main(String[] arguments) {
    try {
      Path home = Path.of(arguments[0]);
      configureLogging();
      Node node = newNode(prepare(home, arguments), home);
      node.start();
      System.out.println("ready");
      System.out.flush();
      awaitParent();
      // The data folder is thrown away, so nothing is worth an orderly shutdown, which takes seconds.
      Runtime.getRuntime().halt(0);
    } catch (Throwable failure) {
      failure.printStackTrace();
      Runtime.getRuntime().halt(1);
    }
  }

  private static Environment prepare(Path home, String[] arguments) {
    Settings.Builder settings = Settings.builder().put("path.home", home.toString());
    for (int at = 1; at < arguments.length; at++) {
      String[] pair = arguments[at].split("=", 2);
      settings.put(pair[0], pair[1]);
    }
    return InternalSettingsPreparer.prepareEnvironment(settings.build(), Map.of(), home.resolve("config"), () -> "real");
  }

  /** From 8.x on, loggers must be bound to log4j before any class of the server logs. */
  private static void configureLogging() throws ReflectiveOperationException {
    Class<?> configurator = Class.forName("org.elasticsearch.common.logging.LogConfigurator");
    try {
      configurator.getMethod("configureESLogging").invoke(null);
    } catch (NoSuchMethodException onSevenX) {
      // 7.x has log4j directly: nothing to bind.
    }
  }

  /** From 9.x on, the modules are loaded before the node is built and handed to it. */
  private static Node newNode(Environment environment, Path home) throws ReflectiveOperationException {
    Constructor<?> constructor = Node.class.getConstructors()[0];
    if (constructor.getParameterCount() == 1) {
      return (Node) constructor.newInstance(environment);
    }
    Class<?> loader = Class.forName("org.elasticsearch.plugins.PluginsLoader");
    Object modules = loader.getMethod("loadModulesBundles", Path.class).invoke(null, home.resolve("modules"));
    Object loaded =
        loader.getMethod("createPluginsLoader", Set.class, Set.class, Map.class).invoke(null, modules, Set.of(), Map.of());
    return (Node) constructor.newInstance(environment, loaded);
  }

  private static void awaitParent() throws IOException {
    while (System.in.read() >= 0) {
      // The parent writes nothing; only the end counts.
    }
  }
}
