import java.io.ByteArrayInputStream;
import java.io.DataInputStream;
import java.io.EOFException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.security.PublicKey;
import java.security.cert.CertificateFactory;
import java.util.ArrayList;
import java.util.Base64;
import java.util.HexFormat;
import java.util.List;
import javax.xml.crypto.dsig.Reference;
import javax.xml.crypto.dsig.Transform;
import javax.xml.crypto.dsig.XMLSignatureFactory;
import javax.xml.crypto.dsig.dom.DOMValidateContext;
import javax.xml.parsers.DocumentBuilder;
import javax.xml.parsers.DocumentBuilderFactory;
import org.w3c.dom.Attr;
import org.w3c.dom.Comment;
import org.w3c.dom.Document;
import org.w3c.dom.Element;
import org.w3c.dom.Node;
import org.w3c.dom.ProcessingInstruction;

/**
 * Judges requests as an independent receiver would: the platform's own XML signatures, nothing of mbx.
 *
 * <p>Reads and writes what judge.py does, and judges the form without prefixes alone. Facts are read
 * from the octets that the platform digested, and from nothing else.
 */
public final class Judge {
    static final String BASE = "http://minameddelanden.gov.se/schema/";
    static final String M1 = BASE + "Message";
    static final String M2 = BASE + "Message/v2";
    static final String M3 = BASE + "Message/v3";
    static final String SENDER = BASE + "Sender";
    static final String SERVICE = BASE + "Service/v3";
    static final String DSIG = "http://www.w3.org/2000/09/xmldsig#";
    static final String SOAP = "http://schemas.xmlsoap.org/soap/envelope/";
    static final String XML = "http://www.w3.org/XML/1998/namespace";
    static final String XMLNS = "http://www.w3.org/2000/xmlns/";
    static final String EXCLUSIVE = "http://www.w3.org/2001/10/xml-exc-c14n#";

    static final DocumentBuilderFactory BUILDERS = DocumentBuilderFactory.newInstance();
    static final XMLSignatureFactory SIGNATURES = XMLSignatureFactory.getInstance("DOM");

    static final class Refused extends Exception {
        Refused(String why) {
            super(why);
        }
    }

    public static void main(String[] arguments) throws Exception {
        BUILDERS.setNamespaceAware(true);
        BUILDERS.setFeature("http://apache.org/xml/features/disallow-doctype-decl", true);
        DataInputStream in = new DataInputStream(new java.io.BufferedInputStream(System.in));
        PrintStream out = new PrintStream(new java.io.FileOutputStream(java.io.FileDescriptor.out), false, "UTF-8");
        while (true) {
            int length;
            try {
                length = in.readInt();
            } catch (EOFException end) {
                return;
            }
            out.println(judged(in.readNBytes(length)));
            out.flush();
        }
    }

    static String judged(byte[] octets) {
        try {
            StringBuilder facts = new StringBuilder();
            for (String[] fact : judge(octets)) {
                facts.append(facts.length() == 0 ? "" : ", ");
                facts.append("[\"" + fact[0] + "\", \"" + fact[1] + "\"]");
            }
            return "{\"taken\": true, \"facts\": [" + facts + "]}";
        } catch (Throwable refused) {
            StringBuilder why = new StringBuilder();
            for (char c : String.valueOf(refused).toCharArray()) {
                why.append(c < ' ' || c > '~' || c == '"' || c == '\\' ? '.' : c);
            }
            return "{\"taken\": false, \"why\": \"" + why + "\"}";
        }
    }

    static List<String[]> judge(byte[] octets) throws Exception {
        Element sealed = locate(parse(octets).getDocumentElement());
        Element outer = verify(prefixFree(sealed, true));
        Element signed = first(sealed);
        expect(signed, M3, "SignedDelivery");
        List<String[]> facts = facts(verify(prefixFree(signed, false)));
        Element within = first(outer);
        expect(within, M3, "SignedDelivery");
        if (!told(facts).equals(told(facts(within)))) {
            throw new Refused("the levels say different things");
        }
        Element seal = own(outer, M3, "Seal");
        String says = trimmed(own(seal, M1, "SignaturesOK").getTextContent());
        if (!says.equals("true") && !says.equals("1")) {
            throw new Refused("the seal says no");
        }
        String day = trimmed(own(seal, M1, "ReceivedTime").getTextContent());
        facts.add(fact("day", day.substring(0, Math.min(10, day.length()))));
        return facts;
    }

    static String told(List<String[]> facts) {
        StringBuilder out = new StringBuilder();
        facts.forEach(fact -> out.append(fact[0] + "=" + fact[1] + ";"));
        return out.toString();
    }

    static Document parse(byte[] octets) throws Exception {
        DocumentBuilder builder = BUILDERS.newDocumentBuilder();
        builder.setErrorHandler(null);
        return builder.parse(new ByteArrayInputStream(octets));
    }

    static Element locate(Element root) throws Refused {
        expect(root, SOAP, "Envelope");
        List<Element> parts = elements(root);
        if (!parts.isEmpty() && "Header".equals(parts.get(0).getLocalName())) {
            expect(parts.remove(0), SOAP, "Header");
        }
        if (parts.size() != 1) {
            throw new Refused("no body");
        }
        expect(parts.get(0), SOAP, "Body");
        return only(only(parts.get(0)));
    }

    static Element only(Element parent) throws Refused {
        List<Element> children = elements(parent);
        if (children.size() != 1) {
            throw new Refused("not one operation");
        }
        expect(children.get(0), SERVICE, "deliverSecure");
        return children.get(0);
    }

    static void expect(Element element, String uri, String local) throws Refused {
        if (element == null || !uri.equals(element.getNamespaceURI()) || !local.equals(element.getLocalName())) {
            throw new Refused("no " + local);
        }
    }

    static List<Element> elements(Node parent) {
        List<Element> found = new ArrayList<>();
        for (Node node = parent.getFirstChild(); node != null; node = node.getNextSibling()) {
            if (node instanceof Element element) {
                found.add(element);
            }
        }
        return found;
    }

    static Element first(Element parent) {
        List<Element> children = elements(parent);
        return children.isEmpty() ? null : children.get(0);
    }

    static Element own(Element parent, String uri, String local) {
        for (Element child : parent == null ? List.<Element>of() : elements(parent)) {
            if (uri.equals(child.getNamespaceURI()) && local.equals(child.getLocalName())) {
                return child;
            }
        }
        return null;
    }

    static List<Element> every(Element parent, String uri, String local) {
        List<Element> found = elements(parent);
        found.removeIf(child -> !uri.equals(child.getNamespaceURI()) || !local.equals(child.getLocalName()));
        return found;
    }

    /** The element as a document of its own, written anew without any prefix. */
    static String prefixFree(Element element, boolean renamed) {
        StringBuilder out = new StringBuilder();
        write(element, "", renamed, out);
        return out.toString();
    }

    static void write(Element element, String outer, boolean renamed, StringBuilder out) {
        String uri = renamed ? M3 : element.getNamespaceURI() == null ? "" : element.getNamespaceURI();
        String name = renamed ? "SealedDelivery" : element.getLocalName();
        out.append("<").append(name);
        if (!uri.equals(outer)) {
            out.append(" xmlns=\"").append(escaped(uri)).append("\"");
        }
        List<String> declared = new ArrayList<>();
        for (int at = 0; at < element.getAttributes().getLength(); at++) {
            Attr attribute = (Attr) element.getAttributes().item(at);
            if (XMLNS.equals(attribute.getNamespaceURI())) {
                continue;
            }
            String space = attribute.getNamespaceURI();
            if (space != null && !XML.equals(space) && !declared.contains(attribute.getPrefix())) {
                declared.add(attribute.getPrefix());
                out.append(" xmlns:" + attribute.getPrefix() + "=\"" + escaped(space) + "\"");
            }
            out.append(" " + attribute.getName() + "=\"" + escaped(attribute.getValue()) + "\"");
        }
        out.append(">");
        for (Node node = element.getFirstChild(); node != null; node = node.getNextSibling()) {
            if (node instanceof Element child) {
                write(child, uri, false, out);
            } else if (node instanceof Comment comment) {
                out.append("<!--" + comment.getData() + "-->");
            } else if (node instanceof ProcessingInstruction instruction) {
                out.append("<?" + instruction.getTarget() + " " + instruction.getData() + "?>");
            } else {
                out.append(escaped(node.getNodeValue()));
            }
        }
        out.append("</").append(name).append(">");
    }

    static String escaped(String text) {
        String plain = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace("\"", "&quot;");
        return plain.replace("\r", "&#13;").replace("\n", "&#10;").replace("\t", "&#9;");
    }

    /** Verifies the signature of a document of its own; gives the root of the octets digested. */
    static Element verify(String text) throws Exception {
        Element root = parse(text.getBytes(StandardCharsets.UTF_8)).getDocumentElement();
        List<Element> children = elements(root);
        Element last = children.isEmpty() ? null : children.get(children.size() - 1);
        expect(last, DSIG, "Signature");
        Element data = own(own(last, DSIG, "KeyInfo"), DSIG, "X509Data");
        Element certificate = own(data, DSIG, "X509Certificate");
        if (certificate == null) {
            throw new Refused("no certificate");
        }
        byte[] der = Base64.getDecoder().decode(certificate.getTextContent().replaceAll("[ \t\r\n]", ""));
        PublicKey key = CertificateFactory.getInstance("X.509")
                .generateCertificate(new ByteArrayInputStream(der)).getPublicKey();
        DOMValidateContext context = new DOMValidateContext(key, last);
        context.setProperty("javax.xml.crypto.dsig.cacheReference", Boolean.TRUE);
        if (root.hasAttributeNS(null, "Id")) {
            context.setIdAttributeNS(root, null, "Id");
        }
        var signature = SIGNATURES.unmarshalXMLSignature(context);
        var references = signature.getSignedInfo().getReferences();
        if (references.size() != 1) {
            throw new Refused("references");
        }
        Reference reference = (Reference) references.get(0);
        String own = root.hasAttributeNS(null, "Id") ? "#" + root.getAttributeNS(null, "Id") : null;
        if (reference.getURI() == null || !(reference.getURI().isEmpty() || reference.getURI().equals(own))) {
            throw new Refused("reference");
        }
        for (Object transform : reference.getTransforms()) {
            String algorithm = ((Transform) transform).getAlgorithm();
            if (!algorithm.equals(Transform.ENVELOPED) && !algorithm.equals(EXCLUSIVE)) {
                throw new Refused("transform");
            }
        }
        if (!signature.validate(context)) {
            throw new Refused("signature");
        }
        return parse(reference.getDigestInputStream().readAllBytes()).getDocumentElement();
    }

    static String[] fact(String label, byte[] value) {
        return new String[] {label, HexFormat.of().formatHex(value)};
    }

    static String[] fact(String label, String value) {
        return fact(label, value.getBytes(StandardCharsets.UTF_8));
    }

    static String trimmed(String text) {
        return text.replaceAll("^[ \t\r\n]+|[ \t\r\n]+$", "");
    }

    static void put(List<String[]> facts, String label, Element element) {
        if (element != null) {
            facts.add(fact(label, element.getTextContent()));
        }
    }

    static void putTrimmed(List<String[]> facts, String label, Element element) {
        if (element != null) {
            facts.add(fact(label, trimmed(element.getTextContent())));
        }
    }

    static List<String[]> facts(Element signed) throws Refused {
        List<String[]> facts = new ArrayList<>();
        Element delivery = own(signed, M3, "Delivery");
        Element header = own(delivery, M3, "Header");
        Element sender = own(header, M2, "Sender");
        put(facts, "sender.id", own(sender, SENDER, "Id"));
        put(facts, "sender.name", own(sender, SENDER, "Name"));
        put(facts, "sender.attention", own(sender, SENDER, "Attention"));
        put(facts, "recipient", own(header, M2, "Recipient"));
        put(facts, "reference", own(header, M2, "Reference"));
        put(facts, "correlation", own(header, M2, "CorrelationId"));
        put(facts, "attention", own(header, M2, "Attention"));
        for (Element message : every(delivery, M3, "Message")) {
            header = own(message, M3, "Header");
            Element support = own(header, M3, "Supportinfo");
            put(facts, "id", own(header, M3, "Id"));
            put(facts, "subject", own(header, M3, "Subject"));
            put(facts, "support.text", own(support, M3, "Text"));
            putTrimmed(facts, "support.url", own(support, M3, "URL"));
            put(facts, "support.phone", own(support, M3, "PhoneNumber"));
            put(facts, "support.email", own(support, M3, "EmailAdress"));
            for (Element pair : every(header, M3, "Metadata")) {
                put(facts, "tag", own(pair, M1, "Tag"));
                put(facts, "value", own(pair, M1, "Value"));
            }
            putTrimmed(facts, "language", own(header, M3, "Language"));
            put(facts, "reply", own(header, M3, "Reply"));
            put(facts, "receipt", own(header, M3, "ReceiptRequest"));
            List<Element> parts = new ArrayList<>(List.of(own(message, M3, "Body")));
            parts.addAll(every(message, M3, "Attachment"));
            for (Element part : parts) {
                put(facts, "part.type", own(part, M1, "ContentType"));
                String body = own(part, M1, "Body").getTextContent().replaceAll("[ \t\r\n]", "");
                facts.add(fact("part.octets", Base64.getDecoder().decode(body)));
                put(facts, "part.checksum", own(part, M1, "Checksum"));
                put(facts, "part.name", own(part, M1, "Filename"));
            }
        }
        return facts;
    }
}
