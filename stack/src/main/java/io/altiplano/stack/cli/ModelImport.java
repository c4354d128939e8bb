package io.altiplano.stack.cli;

import io.altiplano.stack.infra.InfraException;
import io.altiplano.stack.platform.AdminApi;
import io.altiplano.stack.platform.ModelStore;
import java.nio.file.Path;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** Copies a checkpoint into the model store and registers it. */
@Command(
        name = "model-import",
        customSynopsis = "./altiplano model import DIR|FILE.gguf --id ID --licence LICENCE",
        description = "Checks and registers a Hugging Face checkpoint folder or a GGUF file.")
final class ModelImport implements Runnable {
    @Option(names = "--home", required = true, hidden = true)
    private Path home = Path.of("");

    @Parameters(paramLabel = "DIR|FILE.gguf")
    private Path folder = Path.of("");

    @Option(names = "--id", required = true)
    private String id = "";

    @Option(names = "--licence", required = true)
    private String licence = "";

    @Override
    public void run() {
        Home here = new Home(home.toAbsolutePath());
        AdminApi admin = new AdminApi(here.variable("ALTIPLANO_ADMIN_URL"), () -> here.token("admin"));
        ModelStore store = new ModelStore(here.models());
        boolean added = store.add(id, folder);
        try {
            if (!admin.createModel(id, licence, null)) {
                throw new InfraException("a model '" + id + "' is registered already; choose another --id");
            }
        } catch (InfraException e) {
            if (added) {
                store.remove(id);
            }
            throw e;
        }
        System.out.println("Registered " + id + " under the licence " + licence + ".");
    }
}
