// Draws from the JVM's generators: when it begins, and again when it finds itself a clone, and
// once more when it has seeded those that a program can seed.
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.util.Random;
import java.util.UUID;

public class Draws {
  static final Random random = new Random();

  static void draw(String word, SecureRandom kernel, SecureRandom drbg) {
    System.out.printf("%s native=%x drbg=%x uuid=%s util=%x%n", word, kernel.nextLong(),
        drbg.nextLong(), UUID.randomUUID(), random.nextLong());
  }

  public static void main(String[] words) throws Exception {
    SecureRandom kernel = SecureRandom.getInstance("NativePRNG");
    SecureRandom drbg = SecureRandom.getInstance("DRBG");
    draw("ready", kernel, drbg);
    while (!Files.readString(Path.of("/run/appshot/event")).equals("clone\n")) Thread.sleep(10);
    draw("drawn", kernel, drbg);
    drbg.setSeed(kernel.generateSeed(32));  // reseed() takes from another that is the same
    random.setSeed(kernel.nextLong());
    draw("mended", kernel, drbg);
    Thread.sleep(1_000_000);
  }
}
