/* NettyBuffers.java - Netty's pooled allocator and its bufs, as rows: asked and answering as common/rows.h
 * says, with the bytes an operation took from the Java heap as a second number. */
import com.sun.management.ThreadMXBean;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufUtil;
import io.netty.buffer.CompositeByteBuf;
import io.netty.buffer.PooledByteBufAllocator;
import io.netty.buffer.Unpooled;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.lang.management.ManagementFactory;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;

public final class NettyBuffers {
    private static final long PASS_NS = 3_000_000, WARM_NS = 400_000_000;
    private static final int WORDS = 16384, BYTES = WORDS * 4, PARTS = 16;
    private static final ThreadMXBean THREAD = (ThreadMXBean) ManagementFactory.getThreadMXBean();
    private static final PooledByteBufAllocator POOL = PooledByteBufAllocator.DEFAULT;
    private static final ByteBuf NEEDLE = Unpooled.copiedBuffer("needle\r\n", StandardCharsets.US_ASCII);
    private static final ByteBuf CONTIGUOUS = POOL.directBuffer(BYTES), SINK = POOL.directBuffer(BYTES);
    private static final CompositeByteBuf PARTED = POOL.compositeDirectBuffer(PARTS);
    private static final ByteBuf[] PIECES = new ByteBuf[PARTS];
    private static final ByteBuf[] HELD = new ByteBuf[256];
    private static final Map<String, Row> ROWS = new LinkedHashMap<>();
    private static long kept; // what was read is added here, so that the compiler must read it

    private interface Row {
        void run(int n);
    }

    private static void get(int n, int size) {
        for (int i = 0; i < n; i++) POOL.directBuffer(size).release();
    }

    private static void getMany(int n, int live, int size) {
        for (int done = 0; done < n; done += live) {
            for (int i = 0; i < live; i++) HELD[i] = POOL.directBuffer(size);
            for (int i = 0; i < live; i++) HELD[i].release();
        }
    }

    private static void retain(int n) {
        for (int i = 0; i < n; i++) {
            CONTIGUOUS.retain();
            CONTIGUOUS.release();
        }
    }

    private static void slice(int n) {
        for (int i = 0; i < n; i++) CONTIGUOUS.retainedSlice(i & 1023, 64).release();
    }

    private static void compose(int n) {
        for (int i = 0; i < n; i++) {
            CompositeByteBuf composite = POOL.compositeDirectBuffer(PARTS);
            for (ByteBuf piece : PIECES) composite.addComponent(true, piece.retain());
            composite.release();
        }
    }

    private static void getWord(int n) {
        for (int i = 0; i < n; i++) kept += PARTED.getInt((i * 4996) & (BYTES - 4));
    }

    private static void readWords(int n, ByteBuf buf) {
        int sum = 0;
        for (int done = 0; done < n; done += WORDS) {
            buf.readerIndex(0);
            for (int i = 0; i < WORDS; i++) sum += buf.readInt();
        }
        buf.readerIndex(0);
        kept += sum;
    }

    private static void writeWords(int n) {
        for (int done = 0; done < n; done += WORDS) {
            SINK.clear();
            for (int i = 0; i < WORDS; i++) SINK.writeInt(i);
        }
    }

    private static void findByte(int n, ByteBuf buf) {
        for (int i = 0; i < n; i++) kept += buf.indexOf(0, BYTES, (byte) 0xff);
    }

    private static void findNeedle(int n, ByteBuf buf) {
        for (int i = 0; i < n; i++) kept += ByteBufUtil.indexOf(NEEDLE, buf);
    }

    private static void makeBufs() {
        int state = 1;
        for (int i = 0; i < BYTES; i++) {
            state = state * 1664525 + 1013904223;
            CONTIGUOUS.writeByte('a' + (state >>> 16) % 26);
        }
        for (int i = 0; i < PARTS; i++) {
            PARTED.addComponent(true, CONTIGUOUS.retainedSlice(i * (BYTES / PARTS), BYTES / PARTS));
            PIECES[i] = POOL.directBuffer(64).writeZero(64);
        }
    }

    private static void nameRows() {
        String[] names = {"64 B", "1 KiB", "4 KiB", "16 KiB", "64 KiB", "256 KiB", "1 MiB"};
        int[] sizes = {64, 1 << 10, 4 << 10, 16 << 10, 64 << 10, 256 << 10, 1 << 20};
        for (int i = 0; i < names.length; i++) {
            int size = sizes[i];
            ROWS.put("get + release, " + names[i], n -> get(n, size));
        }
        ROWS.put("256 live, 4 KiB", n -> getMany(n, 256, 4096));
        ROWS.put("64 live, 1 MiB", n -> getMany(n, 64, 1 << 20));
        ROWS.put("retain + release", NettyBuffers::retain);
        ROWS.put("slice + release", NettyBuffers::slice);
        ROWS.put("16 parts: build + release", NettyBuffers::compose);
        ROWS.put("16 parts: get u32 anywhere", NettyBuffers::getWord);
        ROWS.put("read u32", n -> readWords(n, CONTIGUOUS));
        ROWS.put("read u32, 16 parts", n -> readWords(n, PARTED));
        ROWS.put("write u32", NettyBuffers::writeWords);
        ROWS.put("find byte, 64 KiB", n -> findByte(n, CONTIGUOUS));
        ROWS.put("find byte, 64 KiB in 16 parts", n -> findByte(n, PARTED));
        ROWS.put("find needle of 8, 64 KiB", n -> findNeedle(n, CONTIGUOUS));
        ROWS.put("find needle of 8, 64 KiB in 16 parts", n -> findNeedle(n, PARTED));
    }

    private static long timePass(Row row, int n) {
        long start = THREAD.getCurrentThreadCpuTime();
        row.run(n);
        return THREAD.getCurrentThreadCpuTime() - start;
    }

    /* Until the compiler has had its time, and then as many as fill a pass. */
    private static int operationsForAPass(Row row) {
        int n = 64;
        for (long warm = 0; warm < WARM_NS;) {
            long spent = timePass(row, n);
            warm += spent;
            if (spent < PASS_NS) n *= 2;
        }
        return n;
    }

    public static void main(String[] args) throws Exception {
        makeBufs();
        nameRows();
        Map<String, Integer> pass = new HashMap<>();
        BufferedReader in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.US_ASCII));
        if (args.length > 0) {
            ROWS.keySet().forEach(name -> System.out.println(name + " 0"));
            return;
        }
        for (String name; (name = in.readLine()) != null;) {
            Row row = ROWS.get(name);
            int n = pass.computeIfAbsent(name, unused -> operationsForAPass(row));
            long thread = Thread.currentThread().getId(), before = THREAD.getThreadAllocatedBytes(thread);
            double each = (double) timePass(row, n) / n;
            long heap = (THREAD.getThreadAllocatedBytes(thread) - before) / n;
            System.out.printf(Locale.ROOT, "%.4f %d%n", each, heap);
            System.out.flush();
        }
        if (kept == 1) System.err.println();
    }
}
