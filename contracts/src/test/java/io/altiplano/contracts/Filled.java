package io.altiplano.contracts;

import com.google.protobuf.ByteString;
import com.google.protobuf.Descriptors.Descriptor;
import com.google.protobuf.Descriptors.EnumDescriptor;
import com.google.protobuf.Descriptors.FieldDescriptor;
import com.google.protobuf.DynamicMessage;
import com.google.protobuf.Message;

/**
 * A message with every field set, each to a value that follows from its own name and number, so that two fields never hold
 * the same by chance. Repeated fields hold two elements. Of a oneof, the member asked for is set, and the first elsewhere.
 */
final class Filled {
    private Filled() {}

    static Message of(Descriptor type, FieldDescriptor inOneof) {
        DynamicMessage.Builder b = DynamicMessage.newBuilder(type);
        for (FieldDescriptor f : type.getFields()) {
            boolean left = f.getRealContainingOneof() != null
                    && (inOneof.getContainingType() == type
                            ? f != inOneof
                            : f != f.getRealContainingOneof().getField(0));
            if (left) {
                continue;
            }
            if (f.isRepeated()) {
                b.addRepeatedField(f, value(f, 1, inOneof));
                b.addRepeatedField(f, value(f, 2, inOneof));
            } else {
                b.setField(f, value(f, 1, inOneof));
            }
        }
        return b.build();
    }

    private static Object value(FieldDescriptor f, int nth, FieldDescriptor inOneof) {
        int n = 100 * f.getNumber() + nth;
        return switch (f.getJavaType()) {
            case INT -> n;
            case LONG -> 10_000_000_000L + n;
            case FLOAT -> n + 0.5f;
            case DOUBLE -> n + 0.25;
            case BOOLEAN -> true;
            case STRING -> f.getName() + "-" + nth;
            case BYTE_STRING -> ByteString.copyFromUtf8(f.getName() + nth);
            case ENUM -> last(f.getEnumType());
            case MESSAGE -> of(f.getMessageType(), inOneof);
        };
    }

    private static Object last(EnumDescriptor type) {
        return type.getValues().get(type.getValues().size() - 1);
    }
}
