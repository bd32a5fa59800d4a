// The server of sums (servers.py) for a JVM; garbage is made all the time, so that it is collected, too.
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;

public class Sums {
  static final long[] table = new long[65536];

  static void serve(Socket connection) {
    try (connection) {
      BufferedReader lines = new BufferedReader(new InputStreamReader(connection.getInputStream()));
      long sum = 0;
      for (String line; (line = lines.readLine()) != null; ) {
        sum += Long.parseLong(line.split(" ")[1]);
        byte[] garbage = new byte[100_000];
        garbage[(int) (sum % garbage.length)] = 1;
        String answer = sum + " " + table[(int) (sum % 65536)] + "\n";
        connection.getOutputStream().write(answer.getBytes());
      }
    } catch (Exception gone) {
      System.err.println(gone);
    }
  }

  public static void main(String[] args) throws Exception {
    for (int i = 0; i < table.length; ++i) table[i] = i * 2654435761L % (1L << 32);
    ServerSocket listener = new ServerSocket(Integer.parseInt(args[0]), 50, InetAddress.getLoopbackAddress());
    while (true) {
      Socket connection = listener.accept();
      new Thread(() -> serve(connection)).start();
    }
  }
}
