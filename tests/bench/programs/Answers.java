// An HTTP server that answers every request in the same way.
import com.sun.net.httpserver.HttpServer;
import java.net.InetSocketAddress;

public class Answers {
  public static void main(String[] arguments) throws Exception {
    HttpServer server = HttpServer.create(new InetSocketAddress(Integer.parseInt(arguments[0])), 16);
    server.createContext("/", exchange -> {
      byte[] body = "42".getBytes();
      exchange.sendResponseHeaders(200, body.length);
      exchange.getResponseBody().write(body);
      exchange.close();
    });
    server.start();
  }
}
