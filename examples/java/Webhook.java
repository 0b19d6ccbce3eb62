import com.google.gson.Gson;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParseException;
import com.google.gson.JsonParser;
import com.sun.net.httpserver.Headers;
import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.math.BigInteger;
import java.net.InetSocketAddress;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.AlgorithmParameters;
import java.security.GeneralSecurityException;
import java.security.KeyFactory;
import java.security.MessageDigest;
import java.security.spec.ECGenParameterSpec;
import java.security.spec.ECParameterSpec;
import java.security.spec.ECPoint;
import java.security.spec.ECPrivateKeySpec;
import java.security.spec.ECPublicKeySpec;
import java.time.Duration;
import java.time.Instant;
import java.util.Base64;
import java.util.Map;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import javax.crypto.Cipher;
import javax.crypto.KeyAgreement;
import javax.crypto.Mac;
import javax.crypto.spec.GCMParameterSpec;
import javax.crypto.spec.SecretKeySpec;

/**
 * Handles the events that the job webhook posts, with the JDK and Gson. It is run by scripts/conformance:
 *
 * <pre>
 * javac -cp /usr/share/java/gson.jar -d . Webhook.java
 * java -cp /usr/share/java/gson.jar:. Webhook
 * </pre>
 *
 * The answer is the verdict. 200: done. 422: no further attempt will mend it. 503: another attempt, by the schedule. A
 * client with io.nats:jnats binds to a durable instead; it could not be had where this was written.
 */
final class Webhook {
  private static final int DONE = 200;
  private static final int UNAUTHORIZED = 401;
  private static final int PERMANENT = 422;
  private static final int LATER = 503;
  private static final int PARALLEL = 16;
  private static final int MAX_BODY = 8 << 20; // more than an event is
  private static final Duration TOLERANCE = Duration.ofMinutes(5); // as Standard Webhooks says

  private final HttpClient http = HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();
  private final String work = System.getenv("WORK_URL");
  private final byte[] secret = Base64.getDecoder().decode(System.getenv("WEBHOOK_SECRET").replaceFirst("^whsec_", ""));
  private final JsonObject sealKey;

  private Webhook() throws IOException {
    sealKey = JsonParser.parseString(Files.readString(Path.of(System.getenv("SEAL_KEY")))).getAsJsonObject();
  }

  public static void main(String[] args) throws IOException {
    String[] listen = System.getenv("LISTEN").split(":");
    HttpServer server = HttpServer.create(new InetSocketAddress(listen[0], Integer.parseInt(listen[1])), 0);
    ExecutorService workers = Executors.newFixedThreadPool(PARALLEL);
    Webhook webhook = new Webhook();
    server.createContext("/events", webhook::serve);
    server.setExecutor(workers);
    server.start();
    Runtime.getRuntime().addShutdownHook(new Thread(() -> finish(workers)));
  }

  /** Lets the work that is under way come to its end. */
  private static void finish(ExecutorService workers) {
    workers.shutdown();
    try {
      workers.awaitTermination(9, TimeUnit.SECONDS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    Runtime.getRuntime().halt(0);
  }

  private void serve(HttpExchange exchange) throws IOException {
    byte[] body = exchange.getRequestBody().readNBytes(MAX_BODY);
    int status = LATER;
    try {
      status = signed(exchange.getRequestHeaders(), body) ? handle(body) : UNAUTHORIZED;
    } catch (GeneralSecurityException | JsonParseException | IllegalStateException | IllegalArgumentException e) {
      status = PERMANENT; // the same text would do the same again
    } catch (IOException e) {
      status = LATER;
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    exchange.sendResponseHeaders(status, -1);
    exchange.close();
  }

  /** Whether forebay made this request. https://www.standardwebhooks.com */
  private boolean signed(Headers headers, byte[] body) throws GeneralSecurityException {
    String id = headers.getFirst("webhook-id");
    String stamp = headers.getFirst("webhook-timestamp");
    String signatures = headers.getFirst("webhook-signature");
    if (id == null || signatures == null || stamp == null || !stamp.matches("\\d{1,12}")) {
      return false;
    }
    Instant at = Instant.ofEpochSecond(Long.parseLong(stamp));
    if (Duration.between(at, Instant.now()).abs().compareTo(TOLERANCE) > 0) {
      return false;
    }
    Mac mac = Mac.getInstance("HmacSHA256");
    mac.init(new SecretKeySpec(secret, "HmacSHA256"));
    mac.update((id + "." + stamp + ".").getBytes(StandardCharsets.UTF_8));
    byte[] want = ("v1," + Base64.getEncoder().encodeToString(mac.doFinal(body))).getBytes(StandardCharsets.UTF_8);
    for (String given : signatures.split(" ")) {
      if (MessageDigest.isEqual(want, given.getBytes(StandardCharsets.UTF_8))) {
        return true;
      }
    }
    return false;
  }

  /** Does the work for one event. */
  private int handle(byte[] body) throws IOException, InterruptedException, GeneralSecurityException {
    JsonObject event = JsonParser.parseString(new String(body, StandardCharsets.UTF_8)).getAsJsonObject();
    JsonObject user = object(event, "user");
    JsonObject out = new JsonObject();
    switch (event.get("action").getAsString()) {
      case "otp.requested":
        JsonObject otp = object(event, "otp");
        out.add("to", otp.get("to"));
        out.add("channel", otp.get("channel"));
        out.add("user", user.get("id"));
        return post("/codes", event, out);
      case "user.created":
        out.add("id", user.get("id"));
        out.add("email", user.get("email"));
        out.addProperty("password", open(user.get("password")));
        return post("/users", event, out);
      default:
        return DONE; // of no interest to us
    }
  }

  private static JsonObject object(JsonObject of, String name) {
    return of.has(name) ? of.getAsJsonObject(name) : new JsonObject();
  }

  /** Calls the service. The key of the event goes with it: a second call for the same event changes nothing there. */
  private int post(String path, JsonObject event, JsonObject body) throws IOException, InterruptedException {
    HttpRequest request = HttpRequest.newBuilder(URI.create(work + path))
        .timeout(Duration.ofSeconds(15))
        .header("Content-Type", "application/json")
        .header("Idempotency-Key", event.get("source").getAsString() + "/" + event.get("id").getAsString())
        .POST(HttpRequest.BodyPublishers.ofString(new Gson().toJson(body)))
        .build();
    int status = http.send(request, HttpResponse.BodyHandlers.discarding()).statusCode();
    if (status < 300) {
      return DONE;
    }
    return status >= 500 || status == 408 || status == 429 ? LATER : PERMANENT;
  }

  /** The text of a sealed member, and anything else as it is. */
  private String open(JsonElement member) throws GeneralSecurityException {
    if (member == null || !member.isJsonObject()) {
      return member == null ? null : member.getAsString();
    }
    String[] parts = member.getAsJsonObject().get("sealed").getAsString().split("\\.", -1);
    JsonObject header = JsonParser.parseString(new String(decode(parts[0]), StandardCharsets.UTF_8)).getAsJsonObject();
    if (parts.length != 5 || !parts[1].isEmpty() || !"ECDH-ES".equals(header.get("alg").getAsString())
        || !"A256GCM".equals(header.get("enc").getAsString())) {
      throw new GeneralSecurityException("not a compact JWE with ECDH-ES and A256GCM");
    }
    Cipher cipher = Cipher.getInstance("AES/GCM/NoPadding");
    cipher.init(Cipher.DECRYPT_MODE, agreedKey(header.getAsJsonObject("epk")), new GCMParameterSpec(128, decode(parts[2])));
    cipher.updateAAD(parts[0].getBytes(StandardCharsets.US_ASCII));
    cipher.update(decode(parts[3])); // GCM gives nothing out before the tag is checked
    return new String(cipher.doFinal(decode(parts[4])), StandardCharsets.UTF_8);
  }

  /** ECDH with the key in the header, and one round of Concat KDF. https://www.rfc-editor.org/rfc/rfc7518#section-4.6 */
  private SecretKeySpec agreedKey(JsonObject epk) throws GeneralSecurityException {
    Map<String, String> curves = Map.of("P-256", "secp256r1", "P-384", "secp384r1", "P-521", "secp521r1");
    AlgorithmParameters parameters = AlgorithmParameters.getInstance("EC");
    parameters.init(new ECGenParameterSpec(curves.get(sealKey.get("crv").getAsString())));
    ECParameterSpec curve = parameters.getParameterSpec(ECParameterSpec.class);
    KeyFactory keys = KeyFactory.getInstance("EC");
    KeyAgreement agreement = KeyAgreement.getInstance("ECDH");
    agreement.init(keys.generatePrivate(new ECPrivateKeySpec(number(sealKey, "d"), curve)));
    agreement.doPhase(keys.generatePublic(new ECPublicKeySpec(new ECPoint(number(epk, "x"), number(epk, "y")), curve)), true);
    byte[] secret = agreement.generateSecret();
    byte[] algorithm = "A256GCM".getBytes(StandardCharsets.US_ASCII);
    ByteBuffer round = ByteBuffer.allocate(4 + secret.length + 4 + algorithm.length + 4 + 4 + 4);
    round.putInt(1).put(secret).putInt(algorithm.length).put(algorithm).putInt(0).putInt(0).putInt(256);
    return new SecretKeySpec(MessageDigest.getInstance("SHA-256").digest(round.array()), "AES");
  }

  private static BigInteger number(JsonObject key, String name) {
    return new BigInteger(1, decode(key.get(name).getAsString()));
  }

  private static byte[] decode(String text) {
    return Base64.getUrlDecoder().decode(text);
  }
}
