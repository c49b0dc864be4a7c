import java.io.ByteArrayInputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyFactory;
import java.security.MessageDigest;
import java.security.PrivateKey;
import java.security.cert.CertificateFactory;
import java.security.cert.X509Certificate;
import java.security.spec.PKCS8EncodedKeySpec;
import java.time.LocalDate;
import java.util.ArrayList;
import java.util.Base64;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import javax.xml.crypto.dsig.CanonicalizationMethod;
import javax.xml.crypto.dsig.Transform;
import javax.xml.crypto.dsig.XMLSignatureFactory;
import javax.xml.crypto.dsig.dom.DOMSignContext;
import javax.xml.crypto.dsig.spec.C14NMethodParameterSpec;
import javax.xml.crypto.dsig.spec.TransformParameterSpec;
import javax.xml.parsers.DocumentBuilderFactory;
import org.w3c.dom.Attr;
import org.w3c.dom.Document;
import org.w3c.dom.Element;
import org.w3c.dom.Node;

/**
 * Makes deliveries as an independent sender would: the platform's own XML signatures, nothing of mbx.
 *
 * <p>The same steps, styles and options as senders.py; writes FOLDER/&lt;style&gt;.xml.
 *
 * <pre>
 * java Sender.java --key key.pem --certificate cert.pem [--seal-key key.pem --seal-certificate cert.pem]
 *     --recipient 198101032384 --body FILE --out FOLDER [options]
 * </pre>
 *
 * Keys are PKCS#8 PEM, certificates PEM. The platform folds base64 with CR LF, which stays in the
 * signed text as a character reference: that is how such deliveries look.
 */
public final class Sender {
    static final String BASE = "http://minameddelanden.gov.se/schema/";
    static final String M1 = BASE + "Message";
    static final String M2 = BASE + "Message/v2";
    static final String M3 = BASE + "Message/v3";
    static final String SENDER = BASE + "Sender";
    static final String SERVICE = BASE + "Service/v3";
    static final String DSIG = "http://www.w3.org/2000/09/xmldsig#";
    static final String SOAP = "http://schemas.xmlsoap.org/soap/envelope/";
    static final String MORE = "http://www.w3.org/2001/04/xmldsig-more#";
    static final List<String> STYLES = List.of("default", "prefixed", "jaxb");

    final Map<String, String> options = new HashMap<>();
    final List<String> attachments = new ArrayList<>();

    public static void main(String[] arguments) throws Exception {
        Sender sender = new Sender();
        sender.read(arguments);
        String only = sender.options.get("style");
        for (String style : only == null ? STYLES : List.of(only)) {
            Path out = Path.of(sender.options.get("out"), style + ".xml");
            Files.writeString(out, sender.request(style), StandardCharsets.UTF_8);
        }
    }

    void read(String[] arguments) {
        options.putAll(Map.of(
                "sender-id", "162021004748",
                "sender-name", "Kommun A",
                "message-id", "interop-1",
                "subject", "Beslut",
                "support-text", "Kontakta oss",
                "body-type", "text/plain",
                "method", "rsa-sha256",
                "digest", "sha256",
                "reference", "empty"));
        for (int at = 0; at < arguments.length; at++) {
            String name = arguments[at].substring(2);
            if (name.equals("second-transform")) {
                options.put(name, "yes");
            } else if (name.equals("attachment")) {
                attachments.add(arguments[++at]);
            } else {
                options.put(name, arguments[++at]);
            }
        }
    }

    String request(String style) throws Exception {
        Document signed = parse(signedDelivery());
        sign(signed, "key", "certificate");
        if (style.equals("jaxb")) {
            unfold(signed.getDocumentElement());
        }
        StringBuilder inner = new StringBuilder();
        write(signed.getDocumentElement(), "", Map.of(), inner);
        String day = LocalDate.now() + "+01:00";
        Document sealed = parse("<SealedDelivery xmlns=\"" + M3 + "\">" + inner + "<Seal>"
                + element("ReceivedTime", M1, day) + element("SignaturesOK", M1, "true")
                + "</Seal></SealedDelivery>");
        sign(sealed, options.containsKey("seal-key") ? "seal-key" : "key",
                options.containsKey("seal-certificate") ? "seal-certificate" : "certificate");
        return marshal(sealed, style);
    }

    String signedDelivery() throws Exception {
        StringBuilder out = new StringBuilder();
        out.append("<SignedDelivery xmlns=\"").append(M3).append("\"><Delivery><Header>");
        out.append("<Sender xmlns=\"").append(M2).append("\">");
        out.append(element("Id", SENDER, options.get("sender-id")));
        out.append(element("Name", SENDER, options.get("sender-name"))).append("</Sender>");
        out.append(element("Recipient", M2, options.get("recipient"))).append("</Header><Message><Header>");
        out.append(element("Id", M3, options.get("message-id")));
        out.append(element("Subject", M3, options.get("subject"))).append("<Supportinfo>");
        out.append(element("Text", M3, options.get("support-text"))).append("</Supportinfo>");
        out.append("<Language>svSE</Language></Header><Body>");
        out.append(element("ContentType", M1, options.get("body-type")));
        out.append(element("Body", M1, encoded(options.get("body")))).append("</Body>");
        for (String attachment : attachments) {
            String[] parts = attachment.split(":", 3);
            byte[] md5 = MessageDigest.getInstance("MD5").digest(Files.readAllBytes(Path.of(parts[0])));
            out.append("<Attachment>").append(element("ContentType", M1, parts[1]));
            out.append(element("Body", M1, encoded(parts[0])));
            out.append(element("Checksum", M1, HexFormat.of().withUpperCase().formatHex(md5)));
            out.append(element("Filename", M1, parts[2])).append("</Attachment>");
        }
        return out.append("</Message></Delivery></SignedDelivery>").toString();
    }

    static String element(String name, String uri, String text) {
        return "<" + name + " xmlns=\"" + uri + "\">" + escaped(text, false) + "</" + name + ">";
    }

    static String encoded(String file) throws Exception {
        return Base64.getEncoder().encodeToString(Files.readAllBytes(Path.of(file)));
    }

    static Document parse(String text) throws Exception {
        DocumentBuilderFactory factory = DocumentBuilderFactory.newInstance();
        factory.setNamespaceAware(true);
        byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
        return factory.newDocumentBuilder().parse(new ByteArrayInputStream(bytes));
    }

    /** Appends an enveloped signature to a standalone document. */
    void sign(Document document, String key, String certificate) throws Exception {
        Element root = document.getDocumentElement();
        String uri = "";
        if (options.get("reference").equals("id")) {
            String id = "_" + Integer.toHexString(root.getTextContent().hashCode());
            root.setAttribute("Id", id);
            root.setIdAttribute("Id", true);
            uri = "#" + id;
        }
        XMLSignatureFactory factory = XMLSignatureFactory.getInstance("DOM");
        List<Transform> transforms = new ArrayList<>();
        transforms.add(factory.newTransform(Transform.ENVELOPED, (TransformParameterSpec) null));
        if (options.containsKey("second-transform")) {
            transforms.add(factory.newTransform(CanonicalizationMethod.EXCLUSIVE, (TransformParameterSpec) null));
        }
        Map<String, String> digests = Map.of(
                "sha256", "http://www.w3.org/2001/04/xmlenc#sha256",
                "sha384", MORE + "sha384",
                "sha512", "http://www.w3.org/2001/04/xmlenc#sha512");
        var digest = factory.newDigestMethod(digests.get(options.get("digest")), null);
        var reference = factory.newReference(uri, digest, transforms, null, null);
        var method = factory.newSignatureMethod(MORE + options.get("method"), null);
        var canonical = factory.newCanonicalizationMethod(CanonicalizationMethod.EXCLUSIVE, (C14NMethodParameterSpec) null);
        var info = factory.newSignedInfo(canonical, method, List.of(reference));
        X509Certificate signer = certificate(options.get(certificate));
        var keys = factory.getKeyInfoFactory();
        var data = keys.newX509Data(List.of(signer.getSubjectX500Principal().getName(), signer));
        var signature = factory.newXMLSignature(info, keys.newKeyInfo(List.of(data)));
        signature.sign(new DOMSignContext(privateKey(options.get(key)), root));
    }

    static X509Certificate certificate(String file) throws Exception {
        try (var in = Files.newInputStream(Path.of(file))) {
            return (X509Certificate) CertificateFactory.getInstance("X.509").generateCertificate(in);
        }
    }

    static PrivateKey privateKey(String file) throws Exception {
        String pem = Files.readString(Path.of(file)).replaceAll("-----[A-Z ]+-----", "").replaceAll("\\s", "");
        PKCS8EncodedKeySpec spec = new PKCS8EncodedKeySpec(Base64.getDecoder().decode(pem));
        try {
            return KeyFactory.getInstance("RSA").generatePrivate(spec);
        } catch (java.security.spec.InvalidKeySpecException notRsa) {
            return KeyFactory.getInstance("EC").generatePrivate(spec);
        }
    }

    /** Takes the line breaks out of a signature's base64, outside SignedInfo. */
    static void unfold(Element root) {
        for (String name : List.of("SignatureValue", "X509Certificate")) {
            var elements = root.getElementsByTagNameNS(DSIG, name);
            for (int at = 0; at < elements.getLength(); at++) {
                Node element = elements.item(at);
                element.setTextContent(element.getTextContent().replaceAll("\\s", ""));
            }
        }
    }

    /** The envelope around it, with the root renamed. */
    static String marshal(Document sealed, String style) {
        Map<String, String> prefixes = new LinkedHashMap<>();
        Map<String, String> onEnvelope = new LinkedHashMap<>();
        Map<String, String> onWrapper = new LinkedHashMap<>();
        switch (style) {
            case "default" -> prefixes.put(SOAP, "s");
            case "prefixed" -> {
                int place = 1;
                for (String uri : List.of(M1, M2, M3, SENDER, SERVICE, SOAP, DSIG)) {
                    prefixes.put(uri, "p" + place++);
                }
            }
            default -> {
                prefixes.put(SOAP, "SOAP-ENV");
                int place = 2;
                for (String uri : List.of(SENDER, M2, DSIG, M3, SERVICE, M1)) {
                    prefixes.put(uri, "ns" + place);
                    onWrapper.put("ns" + place++, uri);
                }
                while (place <= 17) {
                    onWrapper.put("ns" + place, BASE + "Unused/" + place++);
                }
            }
        }
        prefixes.forEach((uri, prefix) -> {
            if (!style.equals("jaxb") || uri.equals(SOAP)) {
                onEnvelope.put(prefix, uri);
            }
        });
        String soap = prefixes.get(SOAP);
        String wrapper = qualified(SERVICE, "deliverSecure", prefixes);
        boolean bare = !prefixes.containsKey(SERVICE);
        StringBuilder out = new StringBuilder("<?xml version=\"1.0\" encoding=\"UTF-8\"?>");
        out.append("<").append(soap).append(":Envelope").append(declarations(onEnvelope)).append("><");
        out.append(soap).append(":Header/><").append(soap).append(":Body><").append(wrapper);
        out.append(bare ? " xmlns=\"" + SERVICE + "\"" : "").append(declarations(onWrapper)).append(">");
        Document document = sealed;
        document.renameNode(document.getDocumentElement(), SERVICE, "deliverSecure");
        write(document.getDocumentElement(), bare ? SERVICE : "", prefixes, out);
        out.append("</").append(wrapper).append("></").append(soap).append(":Body></");
        return out.append(soap).append(":Envelope>").toString();
    }

    static String declarations(Map<String, String> prefixes) {
        StringBuilder out = new StringBuilder();
        prefixes.forEach((prefix, uri) -> out.append(" xmlns:" + prefix + "=\"" + uri + "\""));
        return out.toString();
    }

    static String qualified(String uri, String name, Map<String, String> prefixes) {
        return prefixes.containsKey(uri) ? prefixes.get(uri) + ":" + name : name;
    }

    /** Writes a tree; declarations are made anew, text is kept to the last line break. */
    static void write(Element element, String outer, Map<String, String> prefixes, StringBuilder out) {
        String uri = element.getNamespaceURI();
        String tag = qualified(uri, element.getLocalName(), prefixes);
        boolean declares = !prefixes.containsKey(uri) && !uri.equals(outer);
        String inside = declares ? uri : outer;
        out.append("<").append(tag).append(declares ? " xmlns=\"" + uri + "\"" : "");
        for (int at = 0; at < element.getAttributes().getLength(); at++) {
            Attr attribute = (Attr) element.getAttributes().item(at);
            if (!attribute.getName().equals("xmlns")) {
                out.append(" " + attribute.getName() + "=\"" + escaped(attribute.getValue(), true) + "\"");
            }
        }
        out.append(">");
        for (Node node = element.getFirstChild(); node != null; node = node.getNextSibling()) {
            if (node instanceof Element child) {
                write(child, inside, prefixes, out);
            } else {
                out.append(escaped(node.getNodeValue(), false));
            }
        }
        out.append("</").append(tag).append(">");
    }

    static String escaped(String text, boolean quote) {
        String plain = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace("\r", "&#13;");
        return quote ? plain.replace("\"", "&quot;").replace("\n", "&#10;").replace("\t", "&#9;") : plain;
    }
}
