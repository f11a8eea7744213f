// Sends what Java's push clients send: Push ACTION HOST:PORT JOB VALUE [NAME VALUE]...
//
// PUSH_AS in the environment is one of
//   protobuf   prometheus-metrics-exporter-pushgateway, as it is by default
//   text       the same with Format.PROMETHEUS_TEXT
//   simple     simpleclient_pushgateway
//   micrometer a registry of Micrometer through the latter
// It is none of these libraries, which Debian does not have: path, method, headers
// and the shape of the body are theirs.
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.net.HttpURLConnection;
import java.net.URI;
import java.net.URLEncoder;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Base64;
import java.util.Map;
import java.util.TreeMap;

import static java.nio.charset.StandardCharsets.UTF_8;

public class Push {
	static final String AS = System.getenv().getOrDefault("PUSH_AS", "protobuf");

	public static void main(String[] args) throws Exception {
		double value = Double.parseDouble(args[3]);
		Map<String, String> grouping = new TreeMap<>();
		for (int i = 4; i + 1 < args.length; i += 2) grouping.put(args[i], args[i + 1]);
		byte[] body = null;
		switch (args[0]) {
			case "push": body = everything(value); break;
			case "add": body = one(value); break;
			case "huge": body = huge(); break;
		}
		String method = body == null ? "DELETE" : args[0].equals("add") ? "POST" : "PUT";
		try {
			send(method, "http://" + args[1] + path(args[2], grouping), body);
		} catch (IOException e) {
			System.err.println(e.getMessage());
			System.exit(1);
		}
	}

	static void send(String method, String url, byte[] body) throws IOException {
		HttpURLConnection connection = (HttpURLConnection) URI.create(url).normalize().toURL().openConnection();
		connection.setRequestProperty("Content-Type", AS.equals("protobuf")
				? "application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited"
				: "text/plain; version=0.0.4; charset=utf-8");
		connection.setDoOutput(body != null);
		connection.setRequestMethod(method);
		connection.setConnectTimeout(10_000);
		connection.setReadTimeout(10_000);
		connection.connect();
		if (body != null) connection.getOutputStream().write(body);
		int status = connection.getResponseCode();
		if (status / 100 == 2) return;
		InputStream refusal = connection.getErrorStream();
		throw new IOException("status " + status + ": " + (refusal == null ? "" : new String(refusal.readAllBytes(), UTF_8)));
	}

	static String path(String job, Map<String, String> grouping) {
		StringBuilder path = new StringBuilder("/metrics").append(segment("job", job));
		grouping.forEach((name, value) -> path.append(segment(name, value)));
		return path.toString();
	}

	static String segment(String name, String value) {
		if (value.isEmpty()) return "/" + name + "@base64/=";
		if (!value.contains("/")) return "/" + name + "/" + URLEncoder.encode(value, UTF_8);
		return "/" + name + "@base64/" + Base64.getUrlEncoder().encodeToString(value.getBytes(UTF_8));
	}

	static byte[] everything(double value) {
		if (AS.equals("protobuf")) return everythingInProtobuf(value);
		String end = AS.equals("text") ? "}" : ",}"; // simpleclient ends every label with a comma
		StringBuilder text = new StringBuilder()
				.append("# HELP backup_bytes Size of the \"last\" backup\\nin \\\\ bytes.\n# TYPE backup_bytes gauge\n")
				.append("backup_bytes{table=\"a \\\"b\\\"\\n\\\\ü\"" + end + " " + value + "\n")
				.append("backup_bytes{table=\"\"" + end + " +Inf\n")
				.append("# HELP backup_seconds Duration.\n# TYPE backup_seconds histogram\n");
		if (AS.equals("micrometer")) text.append("backup_seconds{quantile=\"0.95\",} 62.0\n");
		String[] bounds = {"0.5", "1.0", "10.0", "+Inf"};
		double[] counts = {1, 1, 2, 3};
		for (int i = 0; i < bounds.length; i++) text.append("backup_seconds_bucket{le=\"" + bounds[i] + "\"" + end + " " + counts[i] + "\n");
		text.append("backup_seconds_count 3.0\nbackup_seconds_sum 66.25\n")
				.append("# HELP backup_wait_seconds Wait.\n# TYPE backup_wait_seconds summary\n")
				.append("backup_wait_seconds_count 3.0\nbackup_wait_seconds_sum 66.25\n")
				.append("# HELP backups_total Backups so far.\n# TYPE backups_total counter\nbackups_total " + value + "\n");
		if (AS.equals("simple")) {
			for (String name : new String[] {"backups", "backup_seconds", "backup_wait_seconds"}) {
				text.append("# HELP " + name + "_created Made.\n# TYPE " + name + "_created gauge\n" + name + "_created 1.796077729324E9\n");
			}
		}
		return text.toString().getBytes(UTF_8);
	}

	static byte[] one(double value) {
		if (AS.equals("protobuf")) return new Message().nested(family("last_success", "Time of the last success.", 1, gauge(value))).bytes();
		return ("# HELP last_success Time of the last success.\n# TYPE last_success gauge\nlast_success " + value + "\n").getBytes(UTF_8);
	}

	static byte[] huge() {
		if (AS.equals("protobuf")) return new Message().nested(family("huge", "x".repeat(17_000_000), 1, gauge(1))).bytes();
		return ("# HELP huge " + "x".repeat(17_000_000) + "\n# TYPE huge gauge\nhuge 1.0\n").getBytes(UTF_8);
	}

	static byte[] everythingInProtobuf(double value) {
		Message seconds = new Message().number(1, 3).real(2, 66.25);
		double[] bounds = {0.5, 1, 10, Double.POSITIVE_INFINITY};
		int[] counts = {1, 1, 2, 3};
		for (int i = 0; i < bounds.length; i++) seconds.message(3, new Message().number(1, counts[i]).real(2, bounds[i]));
		// The native half: schema 5, an empty bucket of zero, one observation at 0.25, 2 and 64 each.
		seconds.number(5, 10).real(6, 0).number(7, 0);
		for (int offset : new int[] {-64, 95, 159}) seconds.message(12, new Message().number(1, zigzag(offset)).number(2, 1));
		for (int delta : new int[] {1, 0, 0}) seconds.number(13, zigzag(delta));
		return new Message()
				.nested(family("backup_bytes", "Size of the \"last\" backup\nin \\ bytes.", 1,
						labelled("table", "a \"b\"\n\\ü", gauge(value)), labelled("table", "", gauge(Double.POSITIVE_INFINITY))))
				.nested(family("backup_seconds", "Duration.", 4, new Message().message(7, seconds)))
				.nested(family("backup_wait_seconds", "Wait.", 2, new Message().message(4, new Message().number(1, 3).real(2, 66.25))))
				.nested(family("backups_total", "Backups so far.", 0, new Message().message(3, new Message().real(1, value))))
				.bytes();
	}

	static Message family(String name, String help, int type, Message... metrics) {
		Message family = new Message().text(1, name).text(2, help).number(3, type);
		for (Message metric : metrics) family.message(4, metric);
		return family;
	}

	static Message gauge(double value) {
		return new Message().message(2, new Message().real(1, value));
	}

	static Message labelled(String name, String value, Message metric) {
		return metric.message(1, new Message().text(1, name).text(2, value));
	}

	static long zigzag(int n) {
		return ((long) n << 1) ^ ((long) n >> 63);
	}

	/** A message of protobuf while it is written. */
	static class Message {
		final ByteArrayOutputStream out = new ByteArrayOutputStream();

		byte[] bytes() {
			return out.toByteArray();
		}

		Message varint(long n) {
			for (; (n & ~0x7fL) != 0; n >>>= 7) out.write((int) (n & 0x7f | 0x80));
			out.write((int) n);
			return this;
		}

		Message number(int field, long n) {
			return varint(field << 3).varint(n);
		}

		Message real(int field, double n) {
			varint(field << 3 | 1);
			out.writeBytes(ByteBuffer.allocate(8).order(ByteOrder.LITTLE_ENDIAN).putDouble(n).array());
			return this;
		}

		Message field(int field, byte[] value) {
			varint(field << 3 | 2).varint(value.length);
			out.writeBytes(value);
			return this;
		}

		Message text(int field, String value) {
			return field(field, value.getBytes(UTF_8));
		}

		Message message(int field, Message value) {
			return field(field, value.bytes());
		}

		/** Appends a message as one of several that follow each other. */
		Message nested(Message value) {
			varint(value.bytes().length);
			out.writeBytes(value.bytes());
			return this;
		}
	}
}
