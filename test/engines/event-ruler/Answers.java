import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.BufferedReader;
import java.io.BufferedWriter;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.OutputStreamWriter;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import software.amazon.event.ruler.Machine;

/**
 * Answers which patterns match which events. The first line of the input is a JSON list of patterns, each further line
 * an event. The first line of the output is a list with, for each pattern, null or why it is refused; each further line
 * answers an event by the indexes of the patterns that match it.
 */
public final class Answers {
    public static void main(String[] arguments) throws IOException {
        ObjectMapper json = new ObjectMapper();
        BufferedReader in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        BufferedWriter out = new BufferedWriter(new OutputStreamWriter(System.out, StandardCharsets.UTF_8));
        // A machine for each pattern: none can profit from another's path.
        List<Machine> machines = new ArrayList<>();
        List<String> refusals = new ArrayList<>();
        for (JsonNode pattern : json.readTree(in.readLine())) {
            Machine machine = new Machine();
            String refusal = null;
            try {
                machine.addRule("matches", pattern.toString());
            } catch (Exception refused) {
                refusal = String.valueOf(refused.getMessage());
                machine = null;
            }
            machines.add(machine);
            refusals.add(refusal);
        }
        out.write(json.writeValueAsString(refusals));
        out.newLine();
        for (String event = in.readLine(); event != null; event = in.readLine()) {
            out.write(json.writeValueAsString(matching(machines, event)));
            out.newLine();
        }
        out.flush();
    }

    private static List<Integer> matching(List<Machine> machines, String event) {
        List<Integer> matching = new ArrayList<>();
        for (int index = 0; index < machines.size(); index++) {
            Machine machine = machines.get(index);
            try {
                if (machine != null && !machine.rulesForJSONEvent(event).isEmpty()) matching.add(index);
            } catch (Exception invalid) {
                throw new IllegalArgumentException("no event: " + event, invalid);
            }
        }
        return matching;
    }
}
